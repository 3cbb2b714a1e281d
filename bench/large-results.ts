import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { createUpstreamClient } from '../src/infra/send-upstream.ts';

// Fifty results with a video of 8 MB at once, read whole or without their long texts. Each way has
// a process of its own, so that one's garbage is not the other's memory.

const count = 50;
const megabyte = 1024 * 1024;
const piece = Buffer.alloc(64 * 1024, 'A');

interface Figures {
  readonly peakMegabytes: number;
  readonly tookMs: number;
}

const [, , way, url] = process.argv;
if (way && url) {
  process.send?.(await read(url, way === 'dropped' ? 2000 : undefined));
  process.exit();
}

const server = createServer((request, response) => {
  request.resume();
  Readable.from(answer()).pipe(response);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = server.address();
if (address === null || typeof address === 'string') throw new Error('no address');

const figures = new Map<string, Figures>();
for (const each of ['whole', 'dropped']) {
  figures.set(each, await measure(each, `http://127.0.0.1:${address.port}/`));
}
server.close();
console.table(Object.fromEntries(figures));
const [whole, dropped] = [figures.get('whole'), figures.get('dropped')];
if (whole && dropped) {
  console.log(
    `dropped / whole: memory ${(dropped.peakMegabytes / whole.peakMegabytes).toFixed(2)}, time ${(dropped.tookMs / whole.tookMs).toFixed(2)}`,
  );
}

function* answer(): Generator<Buffer> {
  yield Buffer.from('{"Response":{"ErrorCode":0,"VideoBase64":"');
  for (let sent = 0; sent < 8 * megabyte; sent += piece.length) yield piece;
  yield Buffer.from('"}}');
}

async function read(target: string, dropStringsOver: number | undefined): Promise<Figures> {
  const client = createUpstreamClient({ sharedBytes: Infinity });
  const rss = (): number => process.memoryUsage().rss / megabyte;
  const before = rss();
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, rss());
  }, 2);
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: count }, async () => {
      const { body } = await client.send(
        { method: 'GET', url: target, headers: {} },
        { timeoutMs: 60_000, maxBytes: 50 * megabyte, dropStringsOver },
      );
      JSON.parse(body.toString('utf8'));
    }),
  );
  const tookMs = Math.round(performance.now() - startedMs);
  clearInterval(watch);
  return { peakMegabytes: Math.round(peak - before), tookMs };
}

function measure(name: string, target: string): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL(import.meta.url), [name, target]);
    child.once('message', (message) => resolve(message as Figures));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`exit ${String(code)}`)));
  });
}
