import { startRedis, type RedisServer } from '../test/support/redis.ts';
import { cpuOf } from './measure/cpu-of.ts';
import { watchNoise } from './measure/noise.ts';
import { entitiesRound, operations, type Round, type SubjectName } from './measure/operations.ts';
import { redisCounts } from './measure/redis-counts.ts';
import { sendAll } from './measure/send-all.ts';
import { startOurs } from './measure/start-ours.ts';
import { startProcess, type MeasuredProcess } from './measure/start-process.ts';

// What the promises of a start, or of 50 entities, cost at least: a subgraph without promises, to which they are added
// one by one, beside this service. All in one run, in interleaved rounds; medians of CPU time per start.
//
//   npm run bench:least
//   ROUNDS=15 OPERATION=entities npm run bench:least

const rounds = Number(process.env['ROUNDS'] ?? 9);
/** Fewer would measure how code is compiled. */
const requests = Number(process.env['REQUESTS'] ?? 1000);
const atOnce = Number(process.env['AT_ONCE'] ?? 8);
const operation = process.env['OPERATION'] ?? 'start';
const startLevels = [
  'Apollo Server on Fastify, one SET',
  '+ claim, record, list and launch cache: 4 trips more',
  '+ keyed names and encryption',
  '+ limiter: a trip',
  '+ follow-up',
  '+ signature',
  '+ the schema of callers',
  '+ checks of the input, an end in time, a log line, metrics',
  '+ admission, breaker, connection before its slot, URL back, hashes of the subject',
  '+ an entry of the ledger',
];
/** From this level on, the subject takes the request of this service. */
const describedLevel = 6;
/** What the promises add to a look-up: a part with a life of its own, and encryption. */
const entitiesLevels = [
  'Apollo Server on Fastify, MGET of two parts',
  '',
  '+ keyed names and encryption',
];
const levels = operation === 'entities' ? entitiesLevels : startLevels;

interface Rung {
  readonly name: string;
  readonly subject: SubjectName;
  readonly process: MeasuredProcess;
  readonly redis: RedisServer;
  readonly cpuUs: number[];
  readonly redisUs: number[];
  readonly perSecond: number[];
}

const provider = await startProcess(['bench/peers/provider.ts'], {}, '/');
const rungs: Rung[] = [];
try {
  for (const [level, name] of levels.entries()) {
    if (name === '') continue;
    const redis = await startRedis();
    const env = {
      ...{ REDIS_URL: redis.url, PROVIDER_URL: provider.url },
      PROMISES: String(level),
    };
    const process = await startProcess(['bench/peers/least.ts'], env, '/');
    const subject = level >= describedLevel ? 'ours' : 'apollo-fastify';
    rungs.push(rung(name, subject, process, redis));
  }
  const redis = await startRedis();
  rungs.push(rung('this service', 'ours', await startOurs(redis.url, provider.url), redis));
  const peers = [
    ['Express + official SDK', 'express-sdk'],
    ['bare', 'bare'],
  ] as const;
  for (const [name, subject] of operation === 'start' ? peers : []) {
    const own = await startRedis();
    const env = { REDIS_URL: own.url, PROVIDER_URL: provider.url };
    rungs.push(
      rung(name, subject, await startProcess([`bench/peers/${subject}.ts`], env, '/'), own),
    );
  }

  const noise = watchNoise(() => 0);
  const ours = rungs.find(({ name }) => name === 'this service');
  const subjects = new Map(ours ? [['ours', ours.process] as const] : []);
  const roundOf = await operations
    .find(({ name }) => name === operation)
    ?.prepare({ subjects, redis, provider, requests, rounds });
  if (!roundOf) throw new Error(`there is no operation ${operation}`);
  const places = Array.from({ length: 50 }, (_, at) => `least-${at}`);
  for (let round = -2; round < rounds; round++) {
    noise.probe();
    for (const at of rungs.keys()) {
      const each = rungs[(at + round + 2) % rungs.length];
      if (!each) continue;
      const isLeast = operation === 'entities' && each.subject === 'apollo-fastify';
      const given = isLeast
        ? entitiesRound(each.subject, requests, places)
        : roundOf(each.subject, round);
      await measure(each, given, round >= 0);
    }
  }
  const [base] = rungs;
  console.table(
    rungs.map(({ name, cpuUs, redisUs, perSecond }, at) => ({
      [operation]: name,
      'CPU, µs': Math.round(median(cpuUs)),
      'more than above': isStep(at) ? step(at, 'cpuUs') : '',
      '÷ first': share(median(cpuUs) / median(base?.cpuUs ?? [])),
      'a second': Math.round(median(perSecond)),
      'a second ÷ first': share(median(perSecond) / median(base?.perSecond ?? [])),
      'Redis, µs': Math.round(median(redisUs)),
      'Redis, more': isStep(at) ? step(at, 'redisUs') : '',
    })),
  );
  console.log(
    `Noise: fixed work took up to ${noise.end().slowdown.toFixed(2)} times its fastest pass.`,
  );
} finally {
  await Promise.all(rungs.flatMap((each) => [each.process.stop(), each.redis.stop()]));
  await provider.stop();
}

/** Whether a row adds something to the one above. */
function isStep(at: number): boolean {
  return at > 0 && rungs[at]?.name.startsWith('+') === true;
}

function rung(
  name: string,
  subject: SubjectName,
  process: MeasuredProcess,
  redis: RedisServer,
): Rung {
  return { name, subject, process, redis, cpuUs: [], redisUs: [], perSecond: [] };
}

async function measure(
  { process, redis, cpuUs, redisUs, perSecond }: Rung,
  round: Round,
  isKept: boolean,
): Promise<void> {
  const before = { cpuUs: cpuOf(process.pid), redis: await redisCounts(redis) };
  const startedMs = performance.now();
  await sendAll(process.url, round.requests, atOnce, round.check);
  const seconds = (performance.now() - startedMs) / 1000;
  const count = round.requests.length;
  const spentUs = (cpuOf(process.pid) - before.cpuUs) / count;
  const redisSpentUs = ((await redisCounts(redis)).cpuUs - before.redis.cpuUs) / count;
  if (!isKept) return;
  cpuUs.push(spentUs);
  redisUs.push(redisSpentUs);
  perSecond.push(count / seconds);
}

/** The median of the differences within a round, which noise between rounds does not touch. */
function step(at: number, figure: 'cpuUs' | 'redisUs'): number {
  const [above, here] = [rungs[at - 1]?.[figure] ?? [], rungs[at]?.[figure] ?? []];
  return Math.round(median(here.map((value, round) => value - (above[round] ?? 0))));
}

function share(value: number): number {
  return Number(value.toFixed(2));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
