import { createServer, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { ProviderFault } from '../../src/contract/index.ts';
import { createByteBudget, readBody } from '../../src/infra/read-body.ts';
import { createUpstreamClient } from '../../src/infra/send-upstream.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).toReversed()) await end();
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const megabyte = 1024 * 1024;
const piece = Buffer.alloc(64 * 1024, 'A');

async function serve(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return `http://127.0.0.1:${address.port}/`;
}

/** JSON with a recording of so many bytes, sent piece by piece. */
function* withRecording(bytes: number): Generator<Buffer> {
  yield Buffer.from('{"Response":{"Id":1862291536444700249,"Name":"韦小宝\\n","Video":"');
  for (let sent = 0; sent < bytes; sent += piece.length) yield piece;
  yield Buffer.from('","Empty":"","List":[1.50,null,true]}}');
}

function client() {
  const upstream = createUpstreamClient();
  cleanUp.push(() => upstream.close());
  return (url: string, maxBytes = 50 * megabyte) =>
    upstream
      .send(
        { method: 'POST', url, headers: {}, body: '{}' },
        { timeoutMs: 60_000, maxBytes, dropStringsOver: 2000 },
      )
      .then(
        ({ body }) => body.toString('utf8'),
        (error: unknown) => (error instanceof ProviderFault ? error.kind : error),
      );
}

describe('a response with media', () => {
  it('is read without its media and otherwise unchanged', async () => {
    const url = await serve((response) => Readable.from(withRecording(megabyte)).pipe(response));
    expect(await client()(url)).toBe(
      '{"Response":{"Id":1862291536444700249,"Name":"韦小宝\\n","Video":"","Empty":"","List":[1.50,null,true]}}',
    );
  });

  it.each([1, 3, 7])('is read correctly in chunks of %i bytes', async (size) => {
    const text = JSON.stringify({
      名: '韦😀宝"\\',
      long: 'x'.repeat(2001),
      short: 'y'.repeat(2000),
    });
    const bytes = Buffer.from(text);
    const cut = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    );
    const body = await readBody(Readable.from(cut), {
      maxBytes: megabyte,
      dropStringsOver: 2000,
      budget: createByteBudget(megabyte),
    });
    expect(JSON.parse(body.toString('utf8'))).toEqual({ ...JSON.parse(text), long: '' });
  });

  it('is a protocol fault when it is no JSON, too large or truncated', async () => {
    const send = client();
    const html = await serve((response) => response.end('<html>'));
    expect(await send(html)).toBe('protocol');
    const incomplete = await serve((response) => response.end('{"Response":{"Video":"AAAA'));
    expect(await send(incomplete)).toBe('protocol');
    // Invalid JSON from the middle on, while more of it arrives.
    const flowing = await serve((response) => {
      Readable.from([Buffer.from('{"a":1} no'), ...withRecording(megabyte)]).pipe(response);
    });
    expect(await send(flowing)).toBe('protocol');
    const large = await serve((response) =>
      Readable.from(withRecording(2 * megabyte)).pipe(response),
    );
    expect(await send(large, megabyte)).toBe('protocol');
    const broken = await serve((response) => {
      response.writeHead(200, { 'content-length': String(megabyte) });
      response.write('{"Response":{"Video":"AAAA', () => response.destroy());
    });
    expect(await send(broken)).toBe('connection_lost');
  });

  it('is dropped while it is read: fifty concurrent ones need a fraction of their size', async () => {
    const bytes = 8 * megabyte;
    const count = 50;
    const url = await serve((response) => Readable.from(withRecording(bytes)).pipe(response));
    const send = client();
    await send(url);
    const held = (): number => {
      // Buffers that are no longer referenced do not count, whenever they are collected.
      collectGarbage();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = held();
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, held());
    }, 50);
    const all = await Promise.all(Array.from({ length: count }, () => send(url)));
    clearInterval(watch);
    expect(new Set(all).size).toBe(1);
    expect((peak - before) / (bytes * count)).toBeLessThan(0.3);
  });
});

describe('the shared byte budget', () => {
  const answerOf = (bytes: number): Readable => Readable.from([Buffer.alloc(bytes, ' ')]);
  const terms = (budget: ReturnType<typeof createByteBudget>) => ({ maxBytes: megabyte, budget });

  it('refuses a large response when others use it up, and never a small one', async () => {
    const budget = createByteBudget(100_000);
    expect(budget.take(90_000)).toBe(true);
    await expect(readBody(answerOf(200_000), terms(budget))).rejects.toThrow('protocol');
    expect(await readBody(answerOf(60_000), terms(budget))).toHaveLength(60_000);
    budget.give(90_000);
    expect(await readBody(answerOf(150_000), terms(budget))).toHaveLength(150_000);
  });

  it('is returned completely, however reading ends', async () => {
    const budget = createByteBudget(100_000);
    await readBody(answerOf(160_000), terms(budget));
    await expect(readBody(answerOf(170_000), terms(budget))).rejects.toThrow('protocol');
    await expect(
      readBody(answerOf(160_000), { ...terms(budget), dropStringsOver: 2000 }),
    ).rejects.toThrow('protocol');
    expect(budget.take(100_000)).toBe(true);
  });
});
