import { StoreUnavailable } from '../../ports/index.ts';
import type { Pacer } from '../bottleneck-limiter.ts';
import { createMemoryPacer, windowOf } from '../memory-pacer.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';
import type { RedisClock } from './redis-clock.ts';
import { createScript, type Script } from './script.ts';

interface Deps {
  readonly client: RedisClient;
  readonly clock: RedisClock;
  readonly now: () => number;
  readonly guardMs: number;
  /** Where the moments of a quota are kept, one list for each hash key; all of them in one slot. */
  readonly placesOf: (key: string) => readonly [string, ...string[]];
  /** How many replicas there were when it was last known. */
  readonly replicas: () => number;
}

/** Slots are reserved at most so far ahead: what is lost with Redis is over by then. */
const lookAheadMs = 1000;
/** Calls of a burst keep this part of their fair distance, so that a window does not end at once. */
const gapShare = 0.3;
const keepMs = 24 * 3600 * 1000;
/** Half of the longest round trip: what is measured across a stall of our own is not the way. */
const mostWayBackMs = 125;
/** Where nothing is known of recent traffic: a window, and what may be reserved ahead of it. */
const unknownForMs = 2500;
/** Failures of this long mean that Redis is gone. */
const declaredAwayMs = 400;

const clock = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local function text(ms) return string.format('%.3f', ms) end
`;

/**
 * Each list holds the last moments of sending, newest first. ARGV: calls per window, length of the
 * window, smallest gap, look-ahead, the caller's time, time to keep, time to prepare, the newest moment
 * that the caller knows of, 1 where the server is a new one; in ms. Answers Redis' time and the slot, or
 * minus the time after which asking again is worth it.
 *
 * Nobody knows what was sent where there is no list, as after a restart; where it is older than what the
 * caller knows, as after a restart from a snapshot; where the server is a new one, whatever it has loaded;
 * and where it is from the future, as after Redis' clock was set back. Then a whole window, and what may
 * have been reserved ahead of it, has to pass first. More is kept than a window holds, for replicas that
 * know a larger limit.
 */
const reserveLua = `${clock}
local calls, length, ahead = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local known, isNew = tonumber(ARGV[8]), ARGV[9] == '1'
local free = 0
local slot = now + ARGV[7]
for _, key in ipairs(KEYS) do
  local last = tonumber(redis.call('LINDEX', key, 0) or '')
  local isOld = last and last < known and known <= now + ahead
  if isNew or not last or isOld or last > now + ahead + length + 60000 then
    free = now + ahead + length
    redis.call('DEL', key)
    redis.call('LPUSH', key, text(free))
    redis.call('PEXPIRE', key, ARGV[6])
  else
    slot = math.max(slot, last + ARGV[3])
    local oldest = redis.call('LINDEX', key, calls - 1)
    if oldest then slot = math.max(slot, oldest + length) end
  end
end
if free > 0 then return {text(now), text(now - free)} end
if slot - now > math.min(ahead, tonumber(ARGV[5])) then return {text(now), text(now - slot)} end
for _, key in ipairs(KEYS) do
  redis.call('LPUSH', key, text(slot))
  redis.call('LTRIM', key, 0, math.max(calls, 1000) - 1)
  redis.call('PEXPIRE', key, ARGV[6])
end
return {text(now), text(slot)}
`;

/** ARGV: how long nobody may send, time to keep, how long where nothing is known; in ms. */
const pushBack = createScript(`${clock}
local free = now + ARGV[1]
for _, key in ipairs(KEYS) do
  local last = redis.call('LINDEX', key, 0)
  if not last or tonumber(last) < free then
    local first = last and free or math.max(free, now + ARGV[3])
    redis.call('LPUSH', key, text(first))
    redis.call('PEXPIRE', key, ARGV[2])
  end
end
return 1
`);

/** One quota, as this process knows it. */
interface Quota {
  readonly places: readonly [string, ...string[]];
  readonly reserve: Script;
  /** The newest moment that was granted here, by Redis' clock. */
  newestMs: number;
}

/**
 * Reserves moments of sending for all replicas, by Redis' clock: clocks of replicas may differ.
 *
 * Without Redis nobody knows what the others send. Reads, whose answer costs nothing and whose
 * record is at hand, go on at this replica's share; everything else is refused.
 */
export function createRedisPacer(deps: Deps): Pacer {
  const { client, now, guardMs } = deps;
  const quotas = new Map<string, Quota>();
  const alone = createMemoryPacer({ now, guardMs });
  /** When this replica last sent on its own, unknown to the others. */
  let lastAloneMs = -Infinity;
  let awaySinceMs: number | null = null;

  function quotaOf(key: string): Quota {
    const places = deps.placesOf(key);
    const known = quotas.get(key) ?? {
      places,
      // A script of its own: a server that does not know it was started since this quota was last used,
      // or has taken over from another one. Scripts are not kept with the data (Redis 7).
      reserve: createScript(`-- ${places[0]}\n${reserveLua}`),
      newestMs: 0,
    };
    quotas.set(key, known);
    return known;
  }

  /** A slot, or how long asking again is not worth it; by this process' clock. */
  async function ask(
    key: string,
    perSecond: number,
    withinMs: number,
    leadMs = 0,
  ): Promise<{ readonly slotMs: number } | { readonly waitMs: number }> {
    const { perWindow, lengthMs } = windowOf(perSecond, guardMs);
    const gapMs = (lengthMs / perWindow) * gapShare;
    const quota = quotaOf(key);
    const sentMs = now();
    const args = [
      ...[perWindow, lengthMs, gapMs, lookAheadMs],
      // The answer is on its way back for a while, and that is no time to prepare.
      ...[withinMs, keepMs, leadMs + Math.min(mostWayBackMs, deps.clock.roundTripMs() / 2)],
      quota.newestMs,
    ];
    const answer = await orUnavailable(() =>
      quota.reserve.run(client, quota.places, [...args, 0], [...args, 1]),
    );
    const [redisMs = 0, slotMs = 0] = (answer as [string, string]).map(Number);
    deps.clock.learn(sentMs, now(), redisMs);
    if (slotMs < 0) return { waitMs: -slotMs };
    quota.newestMs = Math.max(quota.newestMs, slotMs);
    return { slotMs: deps.clock.toLocal(slotMs) };
  }

  async function reserveShared(
    key: string,
    perSecond: number,
    latestMs: number,
    leadMs: number,
  ): Promise<number | null> {
    const freeMs = lastAloneMs + windowOf(perSecond, guardMs).lengthMs;
    if (now() < freeMs) {
      // Redis is back? Then what was sent without it is over first.
      await ask(key, perSecond, -1);
      if (freeMs > latestMs) return null;
      await sleep(freeMs - now());
    }
    for (;;) {
      const answer = await ask(key, perSecond, Math.max(0, latestMs - now()), leadMs);
      if ('slotMs' in answer) return answer.slotMs;
      if (now() + answer.waitMs > latestMs) return null;
      // As far ahead as slots are given out, or a little later: somebody else may have been faster.
      await sleep(Math.max(10, answer.waitMs - lookAheadMs / 2));
    }
  }

  return {
    reserve: async ({ key, perSecond, priority }, latestMs, leadMs) => {
      try {
        const slotMs = await reserveShared(key, perSecond, latestMs, leadMs);
        awaySinceMs = null;
        return slotMs;
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || priority === 'start') throw error;
        awaySinceMs ??= performance.now();
        // Others may still send what they had reserved: one slow command is no reason to join them.
        const isAway =
          performance.now() - awaySinceMs >
          declaredAwayMs + lookAheadMs + windowOf(perSecond, guardMs).lengthMs;
        if (!isAway) throw error;
        const share = perSecond / Math.max(1, deps.replicas());
        const slotMs = await alone.reserve({ key, perSecond: share, priority }, latestMs, leadMs);
        if (slotMs !== null) lastAloneMs = Math.max(lastAloneMs, slotMs);
        return slotMs;
      }
    },

    warm: async (key, perSecond) => {
      // Asks for a slot in the past: the list is begun, and nothing is reserved.
      await ask(key, perSecond, -1).catch(() => {});
    },

    backOff: async (key, forMs) => {
      const { places } = quotaOf(key);
      await orUnavailable(() =>
        pushBack.run(client, places, [forMs + guardMs, keepMs, unknownForMs]),
      );
    },
  };
}

async function sleep(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, Math.ceil(ms)));
}
