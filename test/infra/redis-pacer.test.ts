import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LimiterRefusal, StoreUnavailable, type LimiterPriority } from '../../src/ports/index.ts';
import { createBottleneckLimiter } from '../../src/infra/bottleneck-limiter.ts';
import { connectRedis, waitForRedis } from '../../src/infra/redis/connect-redis.ts';
import { createRedisClock } from '../../src/infra/redis/redis-clock.ts';
import { createRedisPacer } from '../../src/infra/redis/redis-pacer.ts';
import { startFarAway } from '../support/far-away.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';

const guardMs = 20;
const cleanUp: (() => void | Promise<void>)[] = [];
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
  cleanUp.push(() => redis.stop());
});
afterAll(async () => {
  for (const end of cleanUp.toReversed()) await end();
});

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const trueMs = (): number => performance.timeOrigin + performance.now();

/** A replica whose clock is off by this much. */
async function replica(
  skewMs = 0,
  url = redis.url,
  placesOf: (key: string) => readonly [string, ...string[]] = (key) => [`{vs:test:quota}:${key}`],
) {
  const now = (): number => trueMs() + skewMs;
  const client = connectRedis({ url });
  await waitForRedis(client, 45_000);
  cleanUp.push(() => client.disconnect());
  const pacer = createRedisPacer({
    ...{ client, now, guardMs, placesOf },
    clock: createRedisClock(),
    replicas: () => 2,
  });
  const limiter = createBottleneckLimiter({ pacer, now, guardMs });
  return { pacer, limiter };
}

/** The largest number of these times in any second. */
function mostInAnySecond(atMs: readonly number[]): number {
  return Math.max(
    0,
    ...atMs.map((from) => atMs.filter((ms) => ms >= from && ms < from + 1000).length),
  );
}

async function demand(
  { limiter }: Awaited<ReturnType<typeof replica>>,
  key: string,
  perSecond: number,
  forMs: number,
  sent: number[],
  priority: LimiterPriority = 'start',
  prepare?: () => Promise<void>,
): Promise<void> {
  const endMs = trueMs() + forMs;
  await Promise.all(
    Array.from({ length: perSecond }, async () => {
      while (trueMs() < endMs) {
        try {
          const ask = { key, perSecond, priority, withinMs: 5000 };
          const { isInTime } = await limiter.turn(ask, prepare ? { prepare } : {});
          // As the client does right before it writes the bytes.
          if (isInTime()) sent.push(trueMs());
        } catch (error) {
          if (!(error instanceof LimiterRefusal) && !(error instanceof StoreUnavailable))
            throw error;
          await sleep(100);
        }
      }
    }),
  );
}

/** Until so many were sent, however slow the machine: how near to the limit is measured by bench:quota. */
async function demandUntil(
  replicas: readonly Awaited<ReturnType<typeof replica>>[],
  key: string,
  perSecond: number,
  count: number,
  sent: number[],
): Promise<void> {
  while (sent.length < count) {
    await Promise.all(replicas.map((one) => demand(one, key, perSecond, 1500, sent)));
  }
}

// Each test has its own quota, and its own server where needed.
describe.concurrent('slots reserved in Redis', () => {
  it.each([20, 100])(
    'are at most %i in any second over four replicas with different clocks, and go on',
    async (perSecond) => {
      const replicas = await Promise.all([-300, -100, 100, 300].map((skew) => replica(skew)));
      const key = `four-${perSecond}`;
      await replicas[0]?.pacer.warm(key, perSecond);
      await sleep(2100);
      const sent: number[] = [];
      await demandUntil(replicas, key, perSecond, perSecond * 3, sent);
      expect(mostInAnySecond(sent)).toBeLessThanOrEqual(perSecond);
    },
    60_000,
  );

  it('stay within the rate after Redis lost all its data', async () => {
    const own = await startRedis();
    cleanUp.push(own.stop);
    const one = await replica(0, own.url);
    await one.pacer.warm('forgotten', 20);
    await sleep(2100);
    const sent: number[] = [];
    const running = demand(one, 'forgotten', 20, 6000, sent);
    await sleep(1500);
    await own.command('FLUSHALL');
    await own.command('SCRIPT', 'FLUSH');
    await running;
    // Calls continue.
    await demandUntil([one], 'forgotten', 20, 50, sent);
    expect(mostInAnySecond(sent)).toBeLessThanOrEqual(20);
  }, 60_000);

  it('are not reserved twice after Redis restarts with old data, also by another replica', async () => {
    const own = await startRedis();
    cleanUp.push(own.stop);
    const [one, other] = [await replica(0, own.url), await replica(0, own.url)];
    await one.pacer.warm('restarted', 20);
    await sleep(2100);
    const sent: number[] = [];
    await own.command('SAVE');
    await demand(one, 'restarted', 20, 900, sent);
    const again = await own.restart();
    cleanUp.push(again.stop);
    await demandUntil([other], 'restarted', 20, 60, sent);
    expect(mostInAnySecond(sent)).toBeLessThanOrEqual(20);
  }, 60_000);

  it('are not reserved twice when old data is restored in a running Redis', async () => {
    const one = await replica();
    const place = '{vs:test:quota}:put-back';
    await one.pacer.warm('put-back', 20);
    await sleep(2100);
    const sent: number[] = [];
    await redis.command('COPY', place, `${place}:old`);
    await demand(one, 'put-back', 20, 900, sent);
    await redis.command('COPY', `${place}:old`, place, 'REPLACE');
    await demandUntil([one], 'put-back', 20, 60, sent);
    expect(mostInAnySecond(sent)).toBeLessThanOrEqual(20);
  }, 60_000);

  it('are reserved under each hash key, so that replicas with old and new lists share a quota', async () => {
    const lists = [['a'], ['a', 'b'], ['b', 'a'], ['b']] as const;
    const replicas = await Promise.all(
      lists.map((names) =>
        replica(0, redis.url, (key) => {
          const [first, ...others] = names.map((name) => `{vs:test:rotated}:${key}:${name}`);
          return [first ?? '', ...others];
        }),
      ),
    );
    for (const { pacer } of replicas) await pacer.warm('rotated', 20);
    await sleep(2100);
    // As in a rolling deploy: each replica beside the one before it.
    for (const [at, one] of replicas.entries()) {
      const next = replicas[at + 1];
      if (!next) break;
      const sent: number[] = [];
      await demandUntil([one, next], 'rotated', 20, 30, sent);
      expect(mostInAnySecond(sent)).toBeLessThanOrEqual(20);
    }
  }, 90_000);

  it('are used when Redis is 100 ms away', async () => {
    const far = await startFarAway(redis.port, 50);
    cleanUp.push(far.stop);
    const client = connectRedis({ url: far.url });
    await waitForRedis(client, 45_000);
    cleanUp.push(() => client.disconnect());
    const replicas = await Promise.all([replica(0, far.url), replica(0, far.url)]);
    await replicas[0]?.pacer.warm('far', 20);
    await sleep(2300);
    const sent: number[] = [];
    const prepare = async (): Promise<void> => {
      await client.ping();
    };
    // With 100 ms for each round trip, and two round trips a call. bench:quota measures how much of the
    // quota is used; a slow machine uses less.
    while (sent.length < 20 * 5) {
      await Promise.all(
        replicas.map((one) => demand(one, 'far', 20, 2000, sent, 'start', prepare)),
      );
    }
    expect(mostInAnySecond(sent)).toBeLessThanOrEqual(20);
  }, 60_000);

  it('are held back on all replicas after the provider refused', async () => {
    const [one, other] = await Promise.all([replica(-200), replica(200)]);
    await one.pacer.warm('refused', 100);
    await sleep(2100);
    const ask = { key: 'refused', perSecond: 100, priority: 'start', withinMs: 5000 } as const;
    await one.limiter.turn(ask);
    const refusedMs = trueMs();
    await one.limiter.backOff('refused', 1000);
    await other.limiter.turn(ask);
    expect(trueMs() - refusedMs).toBeGreaterThanOrEqual(1000);
  }, 30_000);

  /** Slots are moments, and a pause of the machine at the wrong one makes a call miss its slot. */
  async function againAfterAPause(measure: (key: string) => Promise<void>): Promise<void> {
    for (let time = 1; ; time++) {
      try {
        return await measure(`measured ${time}`);
      } catch (error) {
        if (time === 3) throw error;
      }
    }
  }

  it(
    'are used by another call if nothing was sent in them',
    () =>
      againAfterAPause(async (key) => {
        const [one, other] = await Promise.all([replica(-200), replica(200)]);
        await one.pacer.warm(key, 2);
        await sleep(2100);
        const ask = { key, perSecond: 2, priority: 'start', withinMs: 5000 } as const;
        // The list begins with an entry for what may have been sent before it.
        await one.limiter.turn(ask);
        await one.limiter.turn(ask);
        const { giveBack } = await one.limiter.turn(ask);
        await expect(other.limiter.turn({ ...ask, withinMs: 300 })).rejects.toThrow(LimiterRefusal);
        const length = () => redis.command('LLEN', `{vs:test:quota}:${key}`);
        const before = Number(await length());
        giveBack();
        await until(async () => Number(await length()) === before - 1);
        await other.limiter.turn({ ...ask, withinMs: 300 });
        // The one that was sent still counts.
        await expect(one.limiter.turn({ ...ask, withinMs: 100 })).rejects.toThrow(LimiterRefusal);
        // Without its newest slot the list is not taken for an old copy: calls go on.
        await one.limiter.turn({ ...ask, withinMs: 1500 });
      }),
    90_000,
  );

  it(
    'cost at most ten Redis commands each',
    () =>
      againAfterAPause(async (key) => {
        const own = await startRedis();
        cleanUp.push(own.stop);
        const one = await replica(0, own.url);
        await one.pacer.warm(key, 100);
        await sleep(2100);
        const processed = async () =>
          Number(
            /total_commands_processed:(\d+)/u.exec(String(await own.command('INFO', 'stats')))?.[1],
          );
        const before = await processed();
        const ask = { key, perSecond: 100, priority: 'start', withinMs: 5000 } as const;
        for (let at = 0; at < 50; at++) await one.limiter.turn(ask);
        expect(((await processed()) - before) / 50).toBeLessThanOrEqual(10);
      }),
    90_000,
  );

  it('are refused without Redis for starts, while reads continue at this replica’s share without a burst', async () => {
    const own = await startRedis();
    const one = await replica(0, own.url);
    await one.pacer.warm('gone', 20);
    await sleep(2100);
    const ask = { key: 'gone', perSecond: 20, withinMs: 3000 } as const;
    await one.limiter.turn({ ...ask, priority: 'start' });
    own.child.kill('SIGSTOP');
    const sent: number[] = [];
    const reading = demand(one, 'gone', 20, 8000, sent, 'result');
    await expect(one.limiter.turn({ ...ask, priority: 'start' })).rejects.toBeInstanceOf(
      StoreUnavailable,
    );
    // Half of the quota for each of two replicas, but more than nothing.
    await until(async () => sent.length > 15);
    expect(mostInAnySecond(sent)).toBeLessThanOrEqual(11);
    own.child.kill('SIGCONT');
    await reading;
    expect(mostInAnySecond(sent)).toBeLessThanOrEqual(20);
    await own.stop();
  }, 30_000);
});
