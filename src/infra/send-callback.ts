import { Agent, request } from 'undici';
import type { SendCallback } from '../ports/index.ts';

const connectWithinMs = 1500;
/** Counts from the moment when a connection is free. */
const answerWithinMs = 3000;
/** Counts from the call: many subscriptions may end at once, and a slow router then makes them wait for a connection. */
const sendWithinMs = 10_000;
const connections = { values: 128, beats: 64 };
/** Routers answer without a body. */
const mostBytes = 4096;

export interface CallbackSender {
  readonly send: SendCallback;
  readonly close: () => Promise<void>;
}

/** HTTP to the callback URLs of routers. It follows no redirect, and reads no more of an answer than its status. */
export function createCallbackSender(): CallbackSender {
  const create = (mostConnections: number): Agent =>
    new Agent({ connect: { timeout: connectWithinMs }, connections: mostConnections });
  const [values, beats] = [create(connections.values), create(connections.beats)];
  return {
    send: async (url, message, { isBeat = false } = {}) => {
      const { statusCode, body } = await request(url, {
        dispatcher: isBeat ? beats : values,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'subscription-protocol': 'callback/1.0' },
        body: JSON.stringify(message),
        headersTimeout: answerWithinMs,
        bodyTimeout: answerWithinMs,
        signal: AbortSignal.timeout(sendWithinMs),
      });
      await body
        .dump({ limit: mostBytes, signal: AbortSignal.timeout(answerWithinMs) })
        .catch(() => {});
      if (statusCode >= 300 && statusCode < 400) throw new Error('a redirect');
      return statusCode;
    },
    close: async () => {
      await Promise.all([values.destroy(), beats.destroy()]);
    },
  };
}
