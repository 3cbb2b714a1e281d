import {
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
  type RateLimiterAbstract,
} from 'rate-limiter-flexible';
import { StoreUnavailable, type Velocity, type VelocityRule } from '../contract/index.ts';
import type { RedisClient } from './redis/connect-redis.ts';

/**
 * Counters with an end, over rate-limiter-flexible; in Redis where replicas share one. They fail
 * closed: a counter that cannot be reached lets nobody through.
 */
export function createVelocity({
  client,
  mode,
}: {
  /** Null: in memory. */
  readonly client: RedisClient | null;
  readonly mode: string;
}): Velocity {
  const limiters = new Map<string, RateLimiterAbstract>();

  function limiterOf(name: string, { most, seconds }: VelocityRule): RateLimiterAbstract {
    const id = `${name}:${most}/${seconds}`;
    const known = limiters.get(id);
    if (known) return known;
    const options = { points: most, duration: seconds, keyPrefix: `vs:${mode}:velocity:${name}` };
    const limiter = client
      ? new RateLimiterRedis({ ...options, storeClient: client, rejectIfRedisNotReady: true })
      : new RateLimiterMemory(options);
    limiters.set(id, limiter);
    return limiter;
  }

  return {
    spend: async (name, key, rule) => {
      const limiter = limiterOf(name, rule);
      try {
        await limiter.consume(key);
        return null;
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw new StoreUnavailable();
        // The library counts what it refuses as well.
        await limiter.reward(key).catch(() => {});
        return Math.max(1, error.msBeforeNext);
      }
    },
    giveBack: async (name, key, rule) => {
      try {
        const limiter = limiterOf(name, rule);
        const spent = await limiter.get(key);
        // Its time may be over: then there is nothing to give back.
        if (spent && spent.consumedPoints > 0) await limiter.reward(key);
      } catch {
        throw new StoreUnavailable();
      }
    },
  };
}
