import { fork, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:http';
import Bottleneck from 'bottleneck';
import {
  LimiterRefusal,
  MissedTurn,
  type Turn,
  type UpstreamConnection,
} from '../src/ports/index.ts';
import { createBottleneckLimiter } from '../src/infra/bottleneck-limiter.ts';
import { connectRedis, waitForRedis } from '../src/infra/redis/connect-redis.ts';
import { createRedisClock } from '../src/infra/redis/redis-clock.ts';
import { createRedisPacer } from '../src/infra/redis/redis-pacer.ts';
import { createUpstreamClient } from '../src/infra/send-upstream.ts';
import { startFarAway } from '../test/support/far-away.ts';
import { startRedis } from '../test/support/redis.ts';

// Replicas with different clocks share one quota at one strict upstream: what arrives there, how
// long a call waited for its slot, and how many Redis commands it cost. All ways use the same upstream
// in one run: compare the rows, not the milliseconds with those of another machine.
//
//   npm run bench:quota            every way, L = 20 and 100, endless demand, bursts, 90 % and 50 %
//   SECONDS=5 WAYS=ours LOADS=half npm run bench:quota
//   ONE_WAY_MS=50 WAYS=ours npm run bench:quota     with Redis a tenth of a second away, there and back
//   REPLICAS=8 FIRST=10 WAYS=ours npm run bench:quota     eight, of which the first wants ten times as much
//   LOADS='one tenant,two tenants' WAYS=ours npm run bench:quota     waits of a small tenant beside one with 50 times its load

const guardMs = 20;
const replicas = Number(process.env['REPLICAS'] ?? 4);
/** How much more the first replica wants than each of the others. */
const first = Number(process.env['FIRST'] ?? 1);
/** From -300 to 300 ms. */
const skewsMs = Array.from({ length: replicas }, (_, at) => (600 * at) / (replicas - 1) - 300);
const demands = skewsMs.map((_, at) => (at === 0 ? first : 1) / (first + replicas - 1));
const ways = ['ours', 'reservoir', 'minTime', 'per process'] as const;
const loads = ['endless', 'bursts', '90 %', 'half', 'two tenants', 'one tenant'] as const;
/** Of the limit. With two tenants, the other one wants this many times as much. */
const smallShare = 0.04;
const timesAsMuch = 50;

type Way = (typeof ways)[number];
type Load = (typeof loads)[number];

interface Plan {
  readonly way: Way;
  readonly load: Load;
  readonly perSecond: number;
  readonly seconds: number;
  readonly skewMs: number;
  readonly share: number;
  readonly redisUrl: string;
  readonly upstreamUrl: string;
  readonly run: string;
}

interface Told {
  readonly done: number;
  readonly waitsMs: readonly number[];
  /** Of the small tenant. */
  readonly smallWaitsMs: readonly number[];
  /** When the bytes of each call were about to be written, by the one clock of the machine. */
  readonly sentMs: readonly number[];
  /** Slots that were over when the bytes were about to be written: nothing was sent. */
  readonly missed: number;
}

const seconds = Number(process.env['SECONDS'] ?? 20);
const chosen = <T extends string>(all: readonly T[], name: string): readonly T[] => {
  const given = process.env[name]?.split(',');
  return given ? all.filter((one) => given.includes(one)) : all;
};

if (process.send) {
  process.once('message', (plan: Plan) => {
    void work(plan).then((told) => process.send?.(told, () => process.exit()));
  });
} else {
  await compare();
}

async function compare(): Promise<void> {
  const redis = await startRedis();
  const oneWayMs = Number(process.env['ONE_WAY_MS'] ?? 0);
  const far = oneWayMs > 0 ? await startFarAway(redis.port, oneWayMs) : null;
  const upstream = await startUpstream();
  try {
    for (const perSecond of (process.env['LIMITS'] ?? '20,100').split(',').map(Number)) {
      for (const load of chosen(loads, 'LOADS')) {
        const rows: Record<string, object> = {};
        for (const way of chosen(ways, 'WAYS')) {
          const counted = async () =>
            Number(
              /total_commands_processed:(\d+)/u.exec(
                String(await redis.command('INFO', 'stats')),
              )?.[1],
            );
          const before = await counted();
          upstream.begin(perSecond);
          const run = `${way}-${load}-${perSecond}-${Date.now()}`;
          const told = await Promise.all(
            skewsMs.map((skewMs, at) =>
              runReplica({
                ...{ way, load, perSecond, seconds, skewMs, run },
                share: demands[at] ?? 0,
                redisUrl: far?.url ?? redis.url,
                upstreamUrl: upstream.url,
              }),
            ),
          );
          const commands = (await counted()) - before;
          rows[way] = figuresOf(upstream.end(), told, perSecond, commands);
        }
        console.log(
          `\nL = ${perSecond}, ${load}, ${seconds} s, ${replicas} replicas, clocks ±300 ms`,
        );
        console.table(rows);
      }
    }
  } finally {
    upstream.close();
    await far?.stop();
    await redis.stop();
  }
}

function figuresOf(
  arrivals: { readonly atMs: readonly number[]; readonly refused: number },
  told: readonly Told[],
  perSecond: number,
  commands: number,
): object {
  const atMs = arrivals.atMs.toSorted((a, b) => a - b);
  // A pacer with an empty Redis waits at first, so the time is counted from the first arrival.
  const spanMs = Math.max(1, (atMs.at(-1) ?? 0) - (atMs[0] ?? 0));
  const waits = told.flatMap(({ waitsMs }) => waitsMs).toSorted((a, b) => a - b);
  const small = told.flatMap(({ smallWaitsMs }) => smallWaitsMs).toSorted((a, b) => a - b);
  const shares = told.map(({ done }) => (done * told.length) / Math.max(1, atMs.length));
  const round = (value: number, digits = 1): number => Number(value.toFixed(digits));
  return {
    'goodput / L': round((atMs.length - arrivals.refused - 1) / (spanMs / 1000) / perSecond, 3),
    'calendar second': mostInCalendarSecond(atMs),
    'any second, sent': mostInAnySecond(
      told.flatMap(({ sentMs }) => sentMs).toSorted((a, b) => a - b),
    ),
    'any second, arrived': mostInAnySecond(atMs),
    missed: told.reduce((sum, one) => sum + one.missed, 0),
    refused: arrivals.refused,
    'commands / call': round(commands / Math.max(1, atMs.length)),
    'small, p50': round(small[Math.floor(small.length / 2)] ?? 0),
    'wait p50': round(waits[Math.floor(waits.length / 2)] ?? 0),
    'wait p99': round(waits[Math.floor(waits.length * 0.99)] ?? 0),
    'least share': round(Math.min(...shares), 2),
  };
}

function mostInAnySecond(atMs: readonly number[]): number {
  let most = 0;
  let from = 0;
  for (const [to, ms] of atMs.entries()) {
    while (ms - (atMs[from] ?? 0) >= 1000) from += 1;
    most = Math.max(most, to - from + 1);
  }
  return most;
}

function mostInCalendarSecond(atMs: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const ms of atMs) {
    const second = Math.floor(ms / 1000);
    counts.set(second, (counts.get(second) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}

/** Refuses more than L in a calendar second, notes every arrival, answers after 60 ms. */
async function startUpstream() {
  let arrivals: number[] = [];
  let refused = 0;
  let limit = 0;
  let current = { second: 0, count: 0 };
  const server = createServer((request, response) => {
    const atMs = performance.timeOrigin + performance.now();
    arrivals.push(atMs);
    const second = Math.floor(atMs / 1000);
    current = current.second === second ? current : { second, count: 0 };
    current.count += 1;
    const isRefused = current.count > limit;
    if (isRefused) refused += 1;
    request.resume();
    setTimeout(() => response.writeHead(isRefused ? 429 : 200).end('{}'), 60);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    begin: (perSecond: number) => {
      [arrivals, refused, limit] = [[], 0, perSecond];
    },
    end: () => ({ atMs: arrivals, refused }),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function runReplica(plan: Plan): Promise<Told> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = fork(new URL(import.meta.url));
    child.once('message', (told) => resolve(told as Told));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`a replica ended: ${String(code)}`)));
    child.send(plan);
  });
}

async function work(plan: Plan): Promise<Told> {
  const { perSecond, load, share, seconds: lasting } = plan;
  const turn = await turnOf(plan);
  const upstream = createUpstreamClient();
  const waitsMs: number[] = [];
  const smallWaitsMs: number[] = [];
  const sentMs: number[] = [];
  let done = 0;
  let missed = 0;
  const once = async (tenant?: string): Promise<void> => {
    const askedMs = performance.now();
    for (;;) {
      const held: UpstreamConnection[] = [];
      let writtenMs = 0;
      let slot: Turn | null = null;
      try {
        slot = await turn(async () => {
          held.push(await upstream.connect(plan.upstreamUrl, 5000));
        }, tenant);
        const { isInTime } = slot;
        await upstream.send(
          { method: 'GET', url: plan.upstreamUrl, headers: {} },
          {
            ...{ timeoutMs: 5000, maxBytes: 1000, connection: held[0] },
            // Called right before the bytes are written.
            isInTime: () => {
              writtenMs = performance.now();
              return isInTime();
            },
          },
        );
        sentMs.push(performance.timeOrigin + writtenMs);
        waitsMs.push(writtenMs - askedMs);
        if (tenant === 'small') smallWaitsMs.push(writtenMs - askedMs);
        done += 1;
        return;
      } catch (error) {
        if (error instanceof LimiterRefusal || error instanceof Bottleneck.BottleneckError) return;
        if (!(error instanceof MissedTurn)) throw error;
        missed += 1;
        slot?.giveBack();
      } finally {
        for (const connection of held) connection.release();
      }
    }
  };

  const endMs = performance.now() + lasting * 1000;
  const isOver = (): boolean => performance.now() >= endMs;
  const running = new Set<Promise<void>>();
  const start = (tenant?: string): void => {
    const call: Promise<void> = once(tenant).finally(() => running.delete(call));
    running.add(call);
  };
  if (load === 'endless') {
    const workers = Math.ceil(perSecond * share * 2) + 2;
    await Promise.all(
      Array.from({ length: workers }, async () => {
        while (!isOver()) await once();
      }),
    );
  } else if (load === 'bursts') {
    while (!isOver()) {
      for (let at = 0; at < perSecond * share * 2; at++) start();
      await sleep(4000);
    }
  } else if (load === 'two tenants' || load === 'one tenant') {
    const ask = async (tenant: string, rate: number): Promise<void> => {
      while (!isOver()) {
        await sleep((-Math.log(1 - Math.random()) * 1000) / rate);
        start(tenant);
      }
    };
    const rate = perSecond * share * smallShare;
    const isAlone = load === 'one tenant';
    await Promise.all([ask('small', rate), isAlone ? null : ask('large', rate * timesAsMuch)]);
  } else {
    const rate = perSecond * share * (load === 'half' ? 0.5 : 0.9);
    while (!isOver()) {
      await sleep((-Math.log(1 - Math.random()) * 1000) / rate);
      start();
    }
  }
  await Promise.all(running);
  await upstream.close();
  return { done, waitsMs, smallWaitsMs, sentMs, missed };
}

/** Resolves when the reserved slot begins. */
async function turnOf(
  plan: Plan,
): Promise<(connect: () => Promise<void>, tenant?: string) => Promise<Turn>> {
  const { way, perSecond, redisUrl, run, skewMs } = plan;
  if (way === 'ours') {
    const now = (): number => performance.timeOrigin + performance.now() + skewMs;
    const client = connectRedis({ url: redisUrl });
    await waitForRedis(client, 5000);
    const pacer = createRedisPacer({
      ...{ client, now, guardMs },
      placesOf: (key) => [`{vs:bench:quota}:${key}`],
      clock: createRedisClock(),
      replicas: () => skewsMs.length,
    });
    await pacer.warm(run, perSecond);
    await sleep(2100);
    const limiter = createBottleneckLimiter({ pacer, now, guardMs });
    const ask = { key: run, perSecond, priority: 'start', withinMs: 20_000 } as const;
    return (connect, id) =>
      limiter.turn(
        { ...ask, tenant: id === undefined ? undefined : { id, weight: 1 } },
        { connect },
      );
  }
  const { hostname: host, port } = new URL(redisUrl);
  const clustering = {
    datastore: 'ioredis',
    clientOptions: { host, port: Number(port) },
    clearDatastore: false,
    id: run,
  } as const;
  const options = {
    reservoir: {
      ...clustering,
      reservoir: perSecond,
      reservoirRefreshAmount: perSecond,
      reservoirRefreshInterval: 1000,
      heartbeatInterval: 100,
      maxConcurrent: perSecond,
    },
    minTime: { ...clustering, minTime: Math.ceil(1020 / perSecond), maxConcurrent: perSecond },
    'per process': { minTime: Math.ceil(1000 / perSecond) },
  } as const;
  const queue = new Bottleneck(options[way]);
  await queue.ready();
  return async () => {
    await queue.schedule(async () => {});
    return { isInTime: () => true, giveBack: () => {} };
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
