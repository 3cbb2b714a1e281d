import { createServer, type Server, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { ProviderFault } from '../../src/contract/index.ts';
import { createUpstreamClient } from '../../src/infra/send-upstream.ts';
import { freePort } from '../support/free-port.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).toReversed()) await end();
});

/** A server that answers every request with the same bytes, or not at all. */
async function rawServer(
  answer: (socket: Socket) => void,
  host = '127.0.0.1',
): Promise<{ url: string; hits: () => number }> {
  let hits = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => {
      hits += 1;
      answer(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  const name = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${name}:${address.port}/`, hits: () => hits };
}

async function faultOf(url: string, timeoutMs = 3000, maxBytes = 1000): Promise<string> {
  const client = createUpstreamClient();
  cleanUp.push(() => client.close());
  try {
    const answer = await client.send(
      { method: 'POST', url, headers: { 'content-type': 'application/json' }, body: '{}' },
      { timeoutMs, maxBytes },
    );
    return `${answer.status} ${answer.body.toString('utf8')}`;
  } catch (error) {
    if (error instanceof ProviderFault) return error.kind;
    throw error;
  }
}

const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';

describe('sending to a provider', () => {
  it('returns a whole response', async () => {
    const { url } = await rawServer((socket) => socket.end(`${head}Content-Length: 2\r\n\r\n{}`));
    expect(await faultOf(url)).toBe('200 {}');
  });

  it('reaches an IPv6 address', async () => {
    const { url } = await rawServer(
      (socket) => socket.end(`${head}Content-Length: 2\r\n\r\n{}`),
      '::1',
    );
    expect(await faultOf(url)).toBe('200 {}');
  });

  it('reports not_sent for a refused connection', async () => {
    expect(await faultOf(`http://127.0.0.1:${await freePort()}/`)).toBe('not_sent');
  });

  it('reports not_sent for an unknown host', async () => {
    expect(await faultOf('http://no-such-host.invalid/')).toBe('not_sent');
  });

  it('reports not_sent for a failed TLS handshake', async () => {
    const { url } = await rawServer((socket) => socket.destroy());
    expect(await faultOf(url.replace('http:', 'https:'))).toBe('not_sent');
  });

  it('reports not_sent for a TLS handshake that hangs', async () => {
    const { url } = await rawServer(() => {});
    expect(await faultOf(url.replace('http:', 'https:'), 800)).toBe('not_sent');
  });

  it('keeps the deadline while connecting, and sends nothing afterwards', async () => {
    let heard = 0;
    const { url } = await rawServer(() => {
      heard += 1;
    });
    const fault = faultOf(url.replace('http:', 'https:'), 200);
    const late = new Promise((resolve) => setTimeout(() => resolve('late'), 1200));
    expect(await Promise.race([fault, late])).toBe('not_sent');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    // The TLS greeting, and no request.
    expect(heard).toBeLessThanOrEqual(1);
  });

  it('sends nothing over a connection that opens after the deadline', async () => {
    const { url, hits } = await rawServer((socket) =>
      socket.end(`${head}Content-Length: 2\r\n\r\n{}`),
    );
    const connectNow = buildConnector({});
    const client = createUpstreamClient({
      connect: (options, done) => setTimeout(() => connectNow(options, done), 400),
    });
    cleanUp.push(() => client.close());
    const send = (timeoutMs: number) =>
      client.send({ method: 'POST', url, headers: {}, body: '{}' }, { timeoutMs, maxBytes: 100 });
    await expect(send(100)).rejects.toMatchObject({ kind: 'not_sent' });
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(hits()).toBe(0);
    expect((await send(10_000)).status).toBe(200);
  });

  it('sends nothing when no time is left', async () => {
    const { url, hits } = await rawServer((socket) => socket.end(`${head}\r\n`));
    expect(await faultOf(url, 0)).toBe('not_sent');
    expect(hits()).toBe(0);
  });

  it('reports timeout for silence after sending', async () => {
    const { url } = await rawServer(() => {});
    expect(await faultOf(url, 300)).toBe('timeout');
  });

  it('ends a slow response at the deadline', async () => {
    const { url } = await rawServer((socket) => {
      socket.write(`${head}Content-Length: 1000\r\n\r\n`);
      const timer = setInterval(() => socket.write(' '), 50);
      socket.on('close', () => clearInterval(timer));
    });
    expect(await faultOf(url, 400)).toBe('timeout');
  });

  it('reports connection_lost for a connection that breaks after sending, without a retry', async () => {
    const { url, hits } = await rawServer((socket) => socket.resetAndDestroy());
    expect(await faultOf(url)).toBe('connection_lost');
    expect(hits()).toBe(1);
  });

  it('reports connection_lost for a truncated response', async () => {
    const { url } = await rawServer((socket) =>
      socket.end(`${head}Content-Length: 100\r\n\r\n{"Response":`),
    );
    expect(await faultOf(url)).toBe('connection_lost');
  });

  it('follows no redirect', async () => {
    const elsewhere = await rawServer((socket) => socket.end(`${head}Content-Length: 2\r\n\r\n{}`));
    const { url } = await rawServer((socket) =>
      socket.end(`HTTP/1.1 307 Go\r\nLocation: ${elsewhere.url}\r\nContent-Length: 0\r\n\r\n`),
    );
    expect(await faultOf(url)).toBe('protocol');
    expect(elsewhere.hits()).toBe(0);
  });

  it('stops reading at the byte limit', async () => {
    const { url } = await rawServer((socket) =>
      socket.end(`${head}Content-Length: 5000\r\n\r\n${'x'.repeat(5000)}`),
    );
    expect(await faultOf(url, 3000, 1000)).toBe('protocol');
  });

  it('rejects a compressed response, which it did not ask for', async () => {
    const { url } = await rawServer((socket) =>
      socket.end(`${head}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}`),
    );
    expect(await faultOf(url)).toBe('protocol');
  });
});
