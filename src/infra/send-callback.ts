import { Agent, request } from 'undici';
import type { SendCallback } from '../ports/index.ts';

const deadlineMs = 3000;
const connectWithinMs = 1500;
/** So that many subscriptions that end at once do not open a connection each. */
const mostConnections = 32;
/** Routers answer without a body. */
const mostBytes = 4096;

export interface CallbackSender {
  readonly send: SendCallback;
  readonly close: () => Promise<void>;
}

/** HTTP to the callback URLs of routers. It follows no redirect, and reads no more of an answer than its status. */
export function createCallbackSender(): CallbackSender {
  const dispatcher = new Agent({
    connect: { timeout: connectWithinMs },
    connections: mostConnections,
  });
  return {
    send: async (url, message) => {
      const { statusCode, body } = await request(url, {
        dispatcher,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'subscription-protocol': 'callback/1.0' },
        body: JSON.stringify(message),
        signal: AbortSignal.timeout(deadlineMs),
      });
      await body.dump({ limit: mostBytes, signal: AbortSignal.timeout(deadlineMs) });
      if (statusCode >= 300 && statusCode < 400) throw new Error('a redirect');
      return statusCode;
    },
    close: () => dispatcher.destroy(),
  };
}
