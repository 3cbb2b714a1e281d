import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailable, type Velocity, type VelocityCounter } from '../../src/ports/index.ts';
import { createMemoryVelocity } from '../../src/infra/memory/memory-velocity.ts';
import { connectRedis, waitForRedis } from '../../src/infra/redis/connect-redis.ts';
import { createRedisVelocity } from '../../src/infra/redis/redis-velocity.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';

let redis: RedisServer;
const cleanUp: (() => void)[] = [];
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  for (const end of cleanUp) end();
  await redis.stop();
});

async function redisVelocity(): Promise<Velocity> {
  const client = connectRedis({ url: redis.url });
  await waitForRedis(client, 45_000);
  cleanUp.push(() => client.disconnect());
  return createRedisVelocity({ client, mode: 'test' });
}

let names = 0;
/** A counter that no other test uses. */
function counter(
  most: number,
  seconds = 60,
  name: VelocityCounter['name'] = 'user',
): VelocityCounter {
  names += 1;
  return { name, key: `hashed-${names}`, rule: { most, seconds } };
}

async function spend(velocity: Velocity, ...counters: VelocityCounter[]) {
  return (await velocity.spend(counters)).kind;
}

async function refundOf(velocity: Velocity, ...counters: VelocityCounter[]) {
  const spent = await velocity.spend(counters);
  if (spent.kind !== 'spent') throw new Error('refused');
  return spent.refund;
}

describe.each([
  ['in memory', () => Promise.resolve(createMemoryVelocity({ now: () => Date.now() }))],
  ['in Redis', redisVelocity],
])('velocity counters %s', (_where, create) => {
  it('allow their limit, and return when a retry makes sense', async () => {
    const velocity = await create();
    const one = counter(2);
    expect([await spend(velocity, one), await spend(velocity, one)]).toEqual(['spent', 'spent']);
    const refused = await velocity.spend([one]);
    if (refused.kind !== 'refused') throw new Error('let through');
    expect(refused.retryAfterMs).toBeGreaterThan(1000);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it('name the full one to wait for longest', async () => {
    const velocity = await create();
    const [share, user, card] = [counter(1, 10, 'share'), counter(1, 60), counter(9, 900, 'card')];
    await spend(velocity, share, user, card);
    expect(await velocity.spend([share, user, card])).toMatchObject({ by: 'user' });
    expect(await velocity.spend([card, share])).toMatchObject({ by: 'share' });
  });

  it('count a call in all of them or in none', async () => {
    const velocity = await create();
    const [tenant, card] = [counter(1), counter(1)];
    await spend(velocity, tenant);
    for (let time = 0; time < 3; time++) {
      expect(await spend(velocity, card, tenant)).toBe('refused');
      expect(await spend(velocity, tenant, card)).toBe('refused');
    }
    expect(await spend(velocity, card)).toBe('spent');
  });

  it('refund a call in each of them', async () => {
    const velocity = await create();
    const [user, card] = [counter(1), counter(1)];
    const refund = await refundOf(velocity, user, card);
    await refund();
    expect(await spend(velocity, user, card)).toBe('spent');
  });

  it('allow exactly their limit in each window while calls are refused', async () => {
    const velocity = await create();
    const one = counter(5, 0.4);
    for (let window = 0; window < 4; window++) {
      // Without a pause, so that some are refused at the end of the window.
      await until(async () => (await spend(velocity, one)) === 'spent');
      const rest = await Promise.all(Array.from({ length: 30 }, () => spend(velocity, one)));
      expect(rest.filter((kind) => kind === 'spent').length).toBeLessThanOrEqual(4);
    }
  });

  it('refund nothing in a later window', async () => {
    const velocity = await create();
    const one = counter(1, 0.2);
    const refund = await refundOf(velocity, one);
    await until(async () => (await spend(velocity, one)) === 'spent');
    await refund();
    expect(await spend(velocity, one)).toBe('refused');
  });

  it('never go below zero', async () => {
    const velocity = await create();
    const one = counter(2);
    const refund = await refundOf(velocity, one);
    await refund();
    await refund();
    const all = await Promise.all(Array.from({ length: 3 }, () => spend(velocity, one)));
    expect(all.toSorted()).toEqual(['refused', 'spent', 'spent']);
  });
});

describe('velocity counters in Redis', () => {
  it('are shared by replicas, and expire', async () => {
    const [one, other] = [await redisVelocity(), await redisVelocity()];
    const shared = counter(2);
    expect([await spend(one, shared), await spend(other, shared)]).toEqual(['spent', 'spent']);
    expect(await spend(one, shared)).toBe('refused');
    const place = `{vs:test}:velocity:user:${shared.key}`;
    expect(await redis.command('PTTL', place)).toBeGreaterThan(0);
  });

  it('refuse every call when Redis does not answer', async () => {
    const one = await redisVelocity();
    redis.child.kill('SIGSTOP');
    try {
      await expect(one.spend([counter(3)])).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      redis.child.kill('SIGCONT');
    }
  });
});
