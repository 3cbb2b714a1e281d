import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpTransport } from '../../src/client/http-transport.ts';
import { bundleClient } from '../support/bundle-client.ts';
import { readRequest } from '../support/read-request.ts';

// Real sockets, and the bytes that gateways send.

let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
let url = '';
const server = createServer((request, response) => {
  void readRequest(request).then((body) => answer(request, response, body));
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  url = `http://127.0.0.1:${port}/graphql`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function subscribe(signal?: AbortSignal): Promise<unknown[]> {
  const results: unknown[] = [];
  for await (const each of httpTransport({ url }).subscribe('q', {}, signal)) results.push(each);
  return results;
}

/** Sends a body in pieces of a few bytes, so that each one ends somewhere. */
async function inPieces(response: ServerResponse, body: string): Promise<void> {
  for (const piece of Buffer.from(body)
    .toString('latin1')
    .match(/[\s\S]{1,7}/gu) ?? []) {
    response.write(Buffer.from(piece, 'latin1'));
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}

describe('send', () => {
  it('posts the operation with the headers of the moment', async () => {
    const seen: unknown[] = [];
    answer = ({ headers, method }, response, body) => {
      seen.push([method, headers.authorization, headers['content-type'], JSON.parse(body)]);
      response.end('{"data":{"a":1}}');
    };
    let token = 0;
    const transport = httpTransport({
      url,
      headers: () => ({ authorization: `t${(token += 1)}` }),
    });
    expect(await transport.send('q', { id: '1' })).toEqual({ data: { a: 1 } });
    await transport.send('q', { id: '2' });
    expect(seen).toEqual([
      ['POST', 't1', 'application/json', { query: 'q', variables: { id: '1' } }],
      ['POST', 't2', 'application/json', { query: 'q', variables: { id: '2' } }],
    ]);
  });

  it('passes on errors with their status, and names a response that is no GraphQL', async () => {
    const { send } = httpTransport({ url });
    answer = (_request, response) => response.writeHead(400).end('{"errors":[{"message":"m"}]}');
    expect(await send('q', {})).toEqual({
      errors: [{ message: 'm', extensions: { code: 'HTTP_400' } }],
    });
    const told = '{"data":null,"errors":[{"message":"m","extensions":{"code":"FORBIDDEN"}}]}';
    answer = (_request, response) => response.writeHead(403).end(told);
    expect(await send('q', {})).toEqual(JSON.parse(told));
    for (const [status, body] of [
      [401, '<html>'],
      [502, ''],
      [200, '{}'],
    ] as const) {
      answer = (_request, response) => response.writeHead(status).end(body);
      expect(await send('q', {})).toMatchObject({
        errors: [{ extensions: { code: `HTTP_${status}` } }],
      });
    }
  });
});

describe('subscribe', () => {
  const value = { data: { verificationEnded: { id: 'ver_1', name: '韦小宝 — é' } } };

  it('reads server-sent events, however they are cut', async () => {
    for (const end of ['\n', '\r\n']) {
      answer = ({ headers }, response) => {
        expect(headers.accept).toContain('text/event-stream');
        response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
        const lines = [
          ...[':', '', 'event: next', `data: ${JSON.stringify(value)}`, ''],
          ...[':keep alive', '', 'event: next', 'data: {"errors":', 'data: [{"message":"m"}]}', ''],
          ...['event: complete', 'data:', '', ''],
        ];
        void inPieces(response, lines.join(end));
      };
      expect(await subscribe()).toEqual([value, { errors: [{ message: 'm' }] }]);
    }
  });

  it('reads the multipart of Apollo Router, however it is cut', async () => {
    answer = ({ headers }, response) => {
      expect(headers.accept).toContain('multipart/mixed;subscriptionSpec=1.0');
      response.writeHead(200, {
        'content-type': 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
      });
      const part = (body: object): string =>
        `\r\n--graphql\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(body)}`;
      const parts = [{}, { payload: value }, {}, { payload: null, errors: [{ message: 'm' }] }];
      void inPieces(response, `${parts.map(part).join('')}\r\n--graphql--\r\n`);
    };
    expect(await subscribe()).toEqual([value, { errors: [{ message: 'm' }] }]);
  });

  it('throws if there are none', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"errors":[]}');
    };
    await expect(subscribe()).rejects.toThrow('no subscriptions');
  });

  it('ends the request when nobody listens any more, or when it is aborted', async () => {
    const closed: Promise<unknown>[] = [];
    answer = (_request, response) => {
      closed.push(new Promise((resolve) => response.once('close', resolve)));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: next\ndata: ${JSON.stringify(value)}\n\n`);
    };
    for await (const each of httpTransport({ url }).subscribe('q', {})) {
      expect(each).toEqual(value);
      break;
    }
    const control = new AbortController();
    const reading = subscribe(control.signal);
    setTimeout(() => control.abort(new Error('left')), 100);
    await expect(reading).rejects.toThrow('left');
    await Promise.all(closed);
    expect(closed).toHaveLength(2);
  });
});

it('the client takes less than 5 KB', async () => {
  const code = await bundleClient();
  expect(Buffer.byteLength(code)).toBeLessThan(5 * 1024);
  expect(code).not.toMatch(/\bimport\b/u);
});
