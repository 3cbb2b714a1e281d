import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/contract/index.ts';
import { createVelocity } from '../../src/infra/flexible-velocity.ts';
import { connectRedis, waitForRedis } from '../../src/infra/redis/connect-redis.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

let redis: RedisServer;
const cleanUp: (() => void)[] = [];
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  for (const end of cleanUp) end();
  await redis.stop();
});

async function replica() {
  const client = connectRedis(redis.url);
  await waitForRedis(client, 5000);
  cleanUp.push(() => client.disconnect());
  return createVelocity({ client, mode: 'test' });
}

const rule = { most: 3, seconds: 60 };

describe('counters in Redis', () => {
  it('are shared by replicas, have an end, and give back', async () => {
    const [one, other] = [await replica(), await replica()];
    const spend = (velocity: typeof one) => velocity.spend('user', 'hashed', rule);
    expect([await spend(one), await spend(other), await spend(one)]).toEqual([null, null, null]);
    const retryAfterMs = await spend(other);
    expect(retryAfterMs).toBeGreaterThan(1000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
    const keys = (await redis.command('KEYS', '*')) as string[];
    expect(keys).toHaveLength(1);
    expect(keys[0]).toContain('vs:test:velocity:user');
    expect(await redis.command('PTTL', keys[0] ?? '')).toBeGreaterThan(0);
  });

  it('let nobody through when Redis does not answer', async () => {
    const one = await replica();
    await one.spend('user', 'other', rule);
    redis.child.kill('SIGSTOP');
    try {
      await expect(one.spend('user', 'other', rule)).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      redis.child.kill('SIGCONT');
    }
  });
});
