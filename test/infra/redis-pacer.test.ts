import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  LimiterRefusal,
  StoreUnavailable,
  type LimiterPriority,
} from '../../src/contract/index.ts';
import { createBottleneckLimiter } from '../../src/infra/bottleneck-limiter.ts';
import { connectRedis, waitForRedis } from '../../src/infra/redis/connect-redis.ts';
import { createRedisClock } from '../../src/infra/redis/redis-clock.ts';
import { createRedisPacer } from '../../src/infra/redis/redis-pacer.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

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

/** A replica whose clock is wrong by so much. */
async function replica(skewMs = 0, url = redis.url) {
  const now = (): number => trueMs() + skewMs;
  const client = connectRedis(url);
  await waitForRedis(client, 5000);
  cleanUp.push(() => client.disconnect());
  const pacer = createRedisPacer({
    ...{ client, now, guardMs, mode: 'test' },
    clock: createRedisClock(),
    replicas: () => 2,
  });
  const limiter = createBottleneckLimiter({ pacer, now, guardMs });
  return { pacer, limiter };
}

/** How many of these moments the fullest second holds, wherever it begins. */
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
): Promise<void> {
  const endMs = trueMs() + forMs;
  await Promise.all(
    Array.from({ length: perSecond }, async () => {
      while (trueMs() < endMs) {
        try {
          await limiter.turn({ key, perSecond, priority, withinMs: 5000 });
          sent.push(trueMs());
        } catch (error) {
          if (!(error instanceof LimiterRefusal) && !(error instanceof StoreUnavailable))
            throw error;
          await sleep(100);
        }
      }
    }),
  );
}

describe('moments of sending, reserved in Redis', () => {
  it.each([20, 100])(
    'are at most %i in any second over four replicas whose clocks differ, and nearly as many',
    async (perSecond) => {
      const replicas = await Promise.all([-300, -100, 100, 300].map((skew) => replica(skew)));
      const key = `four-${perSecond}`;
      await replicas[0]?.pacer.warm(key, perSecond);
      await sleep(2100);
      const sent: number[] = [];
      await Promise.all(replicas.map((one) => demand(one, key, perSecond, 4000, sent)));
      expect(mostInAnySecond(sent)).toBeLessThanOrEqual(perSecond);
      // How near to the limit is measured by bench:quota.
      expect(sent.length).toBeGreaterThan(perSecond * 2);
    },
    30_000,
  );

  it('are not bunched when Redis has forgotten everything', async () => {
    const one = await replica();
    await one.pacer.warm('forgotten', 20);
    await sleep(2100);
    const sent: number[] = [];
    const running = demand(one, 'forgotten', 20, 6000, sent);
    await sleep(1500);
    await redis.command('FLUSHALL');
    await redis.command('SCRIPT', 'FLUSH');
    await running;
    expect(mostInAnySecond(sent)).toBeLessThanOrEqual(20);
    // And it goes on.
    expect(sent.length).toBeGreaterThan(40);
  }, 30_000);

  it('are held back for everybody after the provider refused', async () => {
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

  it('cost at most ten commands of Redis each', async () => {
    const one = await replica();
    await one.pacer.warm('cost', 100);
    await sleep(2100);
    const processed = async () =>
      Number(
        /total_commands_processed:(\d+)/u.exec(String(await redis.command('INFO', 'stats')))?.[1],
      );
    const before = await processed();
    const ask = { key: 'cost', perSecond: 100, priority: 'start', withinMs: 5000 } as const;
    for (let at = 0; at < 50; at++) await one.limiter.turn(ask);
    expect(((await processed()) - before) / 50).toBeLessThanOrEqual(10);
  }, 30_000);

  it('fail closed without Redis; reads go on at this replica’s share, and no burst follows', async () => {
    const own = await startRedis();
    const one = await replica(0, own.url);
    await one.pacer.warm('gone', 20);
    await sleep(2100);
    const ask = { key: 'gone', perSecond: 20, withinMs: 3000 } as const;
    await one.limiter.turn({ ...ask, priority: 'start' });
    own.child.kill('SIGSTOP');
    const sent: number[] = [];
    const reading = demand(one, 'gone', 20, 3000, sent, 'result');
    await expect(one.limiter.turn({ ...ask, priority: 'start' })).rejects.toBeInstanceOf(
      StoreUnavailable,
    );
    await sleep(2000);
    const alone = sent.length;
    // Half of the quota, of two replicas: and not nothing.
    expect(mostInAnySecond(sent)).toBeLessThanOrEqual(11);
    expect(alone).toBeGreaterThan(5);
    own.child.kill('SIGCONT');
    await reading;
    expect(mostInAnySecond(sent)).toBeLessThanOrEqual(20);
    await own.stop();
  }, 30_000);
});
