import { createServer, type ServerResponse } from 'node:http';
import { readRequest } from './read-request.ts';
import { until } from './until.ts';

/** One message of a subscription, as a router receives it. */
export interface CallbackMessage {
  readonly path: string;
  readonly action: 'check' | 'next' | 'complete';
  readonly id: string;
  readonly verifier: string;
  // Tests read deep into values whose shape they assert.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly payload?: any;
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
  readonly atMs: number;
}

/** Answers a message, in the place of 204. */
export type Behave = (message: CallbackMessage, response: ServerResponse) => void;

/** A router that receives values of subscriptions, on loopback. */
export async function startCallbackReceiver() {
  const messages: CallbackMessage[] = [];
  let behave: Behave = (_message, response) => response.writeHead(204).end();
  const server = createServer((request, response) => {
    const receive = (text: string): void => {
      const message = {
        ...(JSON.parse(text) as Omit<CallbackMessage, 'path' | 'atMs'>),
        ...{ path: request.url ?? '', atMs: performance.now() },
      };
      messages.push(message);
      behave(message, response);
    };
    void readRequest(request).then(receive);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  const url = `http://127.0.0.1:${address.port}/callback`;
  const of = (id: string, action?: CallbackMessage['action']): CallbackMessage[] =>
    messages.filter((each) => each.id === id && (action === undefined || each.action === action));
  return {
    url,
    messages,
    of,
    /** The values and the end of a subscription, once it has ended. */
    ended: (id: string) =>
      until(async () => {
        const [complete] = of(id, 'complete');
        return complete && { values: of(id, 'next').map(({ payload }) => payload), complete };
      }),
    behave: (next: Behave) => {
      behave = next;
    },
    /** What a router puts into the request. */
    extensions: (id: string, heartbeatIntervalMs = 5000) => ({
      subscription: {
        callbackUrl: `${url}/${id}`,
        ...{ subscriptionId: id, verifier: 'a-verifier', heartbeatIntervalMs },
      },
    }),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
