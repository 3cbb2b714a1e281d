import { Pool } from 'undici';
import { startRedis } from '../test/support/redis.ts';
import { operations, type SubjectName } from './measure/operations.ts';
import { sendAll, type Request } from './measure/send-all.ts';
import { startOurs } from './measure/start-ours.ts';
import { startProcess } from './measure/start-process.ts';

// How long starts take at half of what one process can serve. The capacity is measured first, with 16 requests at
// a time. Then requests come at fixed moments, whether or not earlier ones were answered, and each counts from its
// moment. p99 must be at most five times p50.
//
//   npm run bench:load
//   SECONDS=30 SHARE=0.7 npm run bench:load
//   SUBJECT=apollo-fastify PER_SECOND=250 npm run bench:load     a peer at the same rate

const subject = (process.env['SUBJECT'] ?? 'ours') as SubjectName;
const seconds = Number(process.env['SECONDS'] ?? 10);
const share = Number(process.env['SHARE'] ?? 0.5);
const warmUp = 1500;
const probes = 1500;

const redis = await startRedis();
const provider = await startProcess(['bench/peers/provider.ts'], {}, '/');
const peerEnv = { REDIS_URL: redis.url, PROVIDER_URL: provider.url };
const server =
  subject === 'ours'
    ? await startOurs(redis.url, provider.url)
    : await startProcess([`bench/peers/${subject}.ts`], peerEnv, '/');
try {
  const start = operations.find(({ name }) => name === 'start');
  const most = 60_000;
  const roundOf = await start?.prepare({
    ...{ subjects: new Map(), redis, provider },
    ...{ requests: most, rounds: 1 },
  });
  if (!roundOf) throw new Error('there is no operation start');
  const { requests, check } = roundOf(subject, 0);
  await sendAll(server.url, requests.slice(0, warmUp), 16, check);
  const startedMs = performance.now();
  await sendAll(server.url, requests.slice(warmUp, warmUp + probes), 16, check);
  const perSecond = (probes / (performance.now() - startedMs)) * 1000;
  const rate = Number(process.env['PER_SECOND'] ?? perSecond * share);
  const count = Math.min(Math.round(rate * seconds), most - warmUp - probes);
  const some = requests.slice(warmUp + probes, warmUp + probes + count);
  const tookMs = (await sendAt(server.url, some, rate, check)).toSorted((a, b) => a - b);
  const quantile = (of: number): number =>
    Math.round((tookMs[Math.floor((tookMs.length - 1) * of)] ?? 0) * 10) / 10;
  console.table({
    'capacity, starts a second': Math.round(perSecond),
    'sent a second': Math.round(rate),
    'p50, ms': quantile(0.5),
    'p90, ms': quantile(0.9),
    'p99, ms': quantile(0.99),
    'p99 ÷ p50, must be at most 5': Number((quantile(0.99) / quantile(0.5)).toFixed(1)),
  });
} finally {
  await Promise.all([server.stop(), provider.stop()]);
  await redis.stop();
}

/** How long each took from the moment when it was due, in ms. */
async function sendAt(
  url: string,
  requests: readonly Request[],
  perSecond: number,
  check: (body: unknown) => void,
): Promise<readonly number[]> {
  const pool = new Pool(url, { connections: 64, pipelining: 1 });
  const fromMs = performance.now() + 100;
  const send = async ({ path, headers, body }: Request, at: number): Promise<number> => {
    const dueMs = fromMs + (at / perSecond) * 1000;
    await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
    const { body: answered } = await pool.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    check(await answered.json());
    return performance.now() - dueMs;
  };
  try {
    return await Promise.all(requests.map(send));
  } finally {
    await pool.close();
  }
}
