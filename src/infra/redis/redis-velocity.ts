import type { Velocity, VelocityCounter } from '../../ports/index.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';
import { createScript } from './script.ts';

// A counter is a hash of n, the number of calls, and w, the id of the window. It expires with its window,
// which begins with the first call.

/**
 * KEYS: counters. ARGV: for each the maximum, and the length of its window in ms. Returns 0 and the window
 * of each; or how long to wait in ms and for which counter, and then nothing was counted.
 */
const spendAll = createScript(`
local waitMs = 0
local full = 0
for at, key in ipairs(KEYS) do
  local counted = tonumber(redis.call('HGET', key, 'n') or '0')
  if counted >= tonumber(ARGV[2 * at - 1]) then
    local leftMs = math.max(redis.call('PTTL', key), 1)
    if leftMs > waitMs then
      waitMs = leftMs
      full = at
    end
  end
end
if waitMs > 0 then return {waitMs, full} end
local time = redis.call('TIME')
local answer = {0}
for at, key in ipairs(KEYS) do
  if redis.call('HINCRBY', key, 'n', 1) == 1 then
    redis.call('HSETNX', key, 'w', time[1] .. '.' .. time[2])
    redis.call('PEXPIRE', key, ARGV[2 * at], 'NX')
  end
  answer[at + 1] = redis.call('HGET', key, 'w')
end
return answer
`);

/** KEYS: counters. ARGV: the window of each. A refund of an ended window has no effect. */
const refundAll = createScript(`
for at, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'w') == ARGV[at] and redis.call('HGET', key, 'n') ~= '0' then
    redis.call('HINCRBY', key, 'n', -1)
  end
end
return 1
`);

/** Velocity counters that replicas share. Without Redis every call is refused. */
export function createRedisVelocity({
  client,
  mode,
}: {
  readonly client: RedisClient;
  readonly mode: string;
}): Velocity {
  // All counters are in one slot, because a call is counted in all of them or in none.
  const placeOf = ({ name, key }: VelocityCounter): string =>
    `{vs:${mode}}:velocity:${name}:${key}`;

  return {
    spend: async (counters) => {
      const [first] = counters;
      if (!first) return { kind: 'spent', refund: async () => {} };
      const places = counters.map(placeOf);
      const limits = counters.flatMap(({ rule }) => [rule.most, Math.ceil(rule.seconds * 1000)]);
      const answer = await orUnavailable(() => spendAll.run(client, places, limits));
      const [waitMs, ...rest] = answer as [number, ...(string | number)[]];
      if (waitMs > 0) {
        const by = counters[Number(rest[0]) - 1] ?? first;
        return { kind: 'refused', retryAfterMs: waitMs, by: by.name };
      }
      const windows = rest.map(String);
      return {
        kind: 'spent',
        refund: async () => {
          await orUnavailable(() => refundAll.run(client, places, windows));
        },
      };
    },
  };
}
