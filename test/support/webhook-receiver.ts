import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { readRequest } from './read-request.ts';

/** One delivery, as a receiver sees it. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly type: string;
  readonly data: { readonly id: string; readonly tenantId: string; readonly status?: string };
}

/** A receiver of webhooks on loopback. It answers 204 unless told otherwise. */
export async function startWebhookReceiver() {
  const received: Received[] = [];
  let behave: (delivery: Received, response: ServerResponse) => void = (_delivery, response) =>
    void response.writeHead(204).end();
  const server = createServer((request, response) => {
    const receive = (body: string): void => {
      const { type, data } = JSON.parse(body) as Pick<Received, 'type' | 'data'>;
      const { headers, url: path = '' } = request;
      const delivery = { path, headers, body, type, data };
      received.push(delivery);
      behave(delivery, response);
    };
    void readRequest(request).then(receive);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    received,
    behave: (next: typeof behave) => {
      behave = next;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
