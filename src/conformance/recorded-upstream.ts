import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RecordedAnswer } from './subject.ts';

/** Faults of the wire, independent of the provider. */
export const wireFaults = [
  'refused',
  'silence',
  'reset',
  'html',
  'empty',
  'truncated',
  'redirect',
  'huge',
  'status 500',
] as const;

export type WireFault = (typeof wireFaults)[number];

export interface ReceivedRequest {
  /** Null for a request that was not sent by `call.send`. */
  readonly action: string | null;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Whether its connection was closed before the response. */
  wasGivenUp: boolean;
}

export interface RecordedUpstream {
  readonly url: string;
  readonly received: readonly ReceivedRequest[];
  readonly close: () => Promise<void>;
}

/** Names the action of a request, so that its response can be found. */
export const actionHeader = 'x-conformance-action';

/** The provider's side: sends the recorded response of each action, over a real socket. */
export async function startRecordedUpstream(
  answerOf: (action: string) => RecordedAnswer | Exclude<WireFault, 'refused'> | undefined,
): Promise<RecordedUpstream> {
  const received: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    void handle(request, response);
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { [actionHeader]: action, ...headers } = request.headers;
    const entry: ReceivedRequest = {
      action: typeof action === 'string' ? action : null,
      method: request.method ?? '',
      path: request.url ?? '',
      headers: headers as Record<string, string>,
      body: Buffer.concat(chunks),
      wasGivenUp: false,
    };
    received.push(entry);
    response.once('close', () => {
      entry.wasGivenUp = !response.writableFinished;
    });
    const answer = entry.action === null ? undefined : answerOf(entry.action);
    if (typeof answer === 'string') return misbehave(answer, response);
    const { status = 200, headers: own = {}, body } = answer ?? { status: 501, body: '' };
    const isText = typeof body === 'string';
    const type = isText ? {} : { 'content-type': 'application/json' };
    response.writeHead(status, { ...type, ...own }).end(isText ? body : JSON.stringify(body));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Does not keep a test process alive.
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const json = { 'content-type': 'application/json' };
const mebibyte = Buffer.alloc(1024 * 1024, ' ');

function misbehave(fault: Exclude<WireFault, 'refused'>, response: ServerResponse): void {
  switch (fault) {
    case 'silence':
      return;
    case 'reset':
      response.destroy();
      return;
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<!doctype html><title>A gateway says hello</title>');
      return;
    case 'empty':
      response.writeHead(200, json).end();
      return;
    case 'truncated':
      response.writeHead(200, { ...json, 'content-length': '500' });
      response.write('{"code":0,"data":{"status":', () => response.destroy());
      return;
    case 'redirect':
      response.writeHead(302, { location: '/elsewhere' }).end();
      return;
    case 'huge':
      response.writeHead(200, json);
      flood(response);
      return;
    case 'status 500':
      response.writeHead(500, { 'content-type': 'text/plain' }).end('Internal Server Error');
  }
}

/** Writes until the client closes the connection. */
function flood(response: ServerResponse): void {
  if (response.destroyed) return;
  response.write(mebibyte, (error) => {
    if (!error) flood(response);
  });
}
