import { expect, it } from 'vitest';
import { createRedisClock } from '../../src/infra/redis/redis-clock.ts';

it('the Redis clock trusts the fastest round trip, and forgets all when a clock was set', () => {
  const clock = createRedisClock();
  // Redis is 300 ms ahead; the slow trip came back late.
  clock.learn(1000, 1050, 1310);
  clock.learn(2000, 2002, 2301);
  clock.learn(3000, 3040, 3335);
  expect(clock.toLocal(5300)).toBeCloseTo(5000, 0);
  // This clock is set back by an hour.
  clock.learn(4000 - 3_600_000, 4020 - 3_600_000, 4310);
  expect(clock.toLocal(5300)).toBeCloseTo(5000 - 3_600_000, -1);
});
