import { StoreUnavailable } from '../../contract/index.ts';
import type { Pacer } from '../bottleneck-limiter.ts';
import { createMemoryPacer, windowOf } from '../memory-pacer.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';
import type { RedisClock } from './redis-clock.ts';
import { createScript } from './script.ts';

interface Deps {
  readonly client: RedisClient;
  readonly clock: RedisClock;
  readonly now: () => number;
  readonly guardMs: number;
  readonly mode: string;
  /** How many replicas there were when it was last known. */
  readonly replicas: () => number;
}

/** Slots are reserved at most so far ahead: what is lost with Redis is over by then. */
const lookAheadMs = 1000;
/** Calls of a burst keep this part of their fair distance, so that a window does not end at once. */
const gapShare = 0.3;
const keepMs = 24 * 3600 * 1000;
/** Failures of this long mean that Redis is gone. */
const declaredAwayMs = 400;

const clock = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local function text(ms) return string.format('%.3f', ms) end
`;

/**
 * The list holds the last moments of sending, newest first. ARGV: calls per window, length of the
 * window, smallest gap, look-ahead, the caller's time, time to keep, time to prepare; in ms. Answers Redis' time and
 * the slot, or minus the time after which asking again is worth it.
 *
 * No list means that nobody knows what was sent, as after a restart: a whole window, and what may
 * have been reserved ahead of it, has to pass first. So does a list from the future, as after Redis'
 * clock was set back. More is kept than a window holds, for replicas that know a larger limit.
 */
const reserveSlot = createScript(`${clock}
local calls, length, ahead = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local last = redis.call('LINDEX', KEYS[1], 0)
if not last or tonumber(last) > now + ahead + length + 60000 then
  local free = now + ahead + length
  redis.call('DEL', KEYS[1])
  redis.call('LPUSH', KEYS[1], text(free))
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
  return {text(now), text(now - free)}
end
local slot = math.max(now + ARGV[7], last + tonumber(ARGV[3]))
local oldest = redis.call('LINDEX', KEYS[1], calls - 1)
if oldest then slot = math.max(slot, oldest + length) end
if slot - now > math.min(ahead, tonumber(ARGV[5])) then return {text(now), text(now - slot)} end
redis.call('LPUSH', KEYS[1], text(slot))
redis.call('LTRIM', KEYS[1], 0, math.max(calls, 1000) - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return {text(now), text(slot)}
`);

/** ARGV: how long nobody may send, time to keep; in ms. */
const pushBack = createScript(`${clock}
local last = redis.call('LINDEX', KEYS[1], 0)
local free = now + ARGV[1]
if last and tonumber(last) >= free then return 0 end
redis.call('LPUSH', KEYS[1], text(free))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`);

/**
 * Reserves moments of sending for all replicas, by Redis' clock: clocks of replicas may differ.
 *
 * Without Redis nobody knows what the others send. Reads, whose answer costs nothing and whose
 * record is at hand, go on at this replica's share; everything else is refused.
 */
export function createRedisPacer(deps: Deps): Pacer {
  const { client, now, guardMs } = deps;
  const keyOf = (key: string): string => `vs:${deps.mode}:quota:${key}`;
  const alone = createMemoryPacer({ now, guardMs });
  /** When this replica last sent on its own, unknown to the others. */
  let lastAloneMs = -Infinity;
  let awaySinceMs: number | null = null;

  /** A slot, or how long asking again is not worth it; by this process' clock. */
  async function ask(
    key: string,
    perSecond: number,
    withinMs: number,
    leadMs = 0,
  ): Promise<{ readonly slotMs: number } | { readonly waitMs: number }> {
    const { perWindow, lengthMs } = windowOf(perSecond, guardMs);
    const gapMs = (lengthMs / perWindow) * gapShare;
    const sentMs = now();
    const answer = await orUnavailable(() =>
      reserveSlot.run(client, keyOf(key), [
        ...[perWindow, lengthMs, gapMs, lookAheadMs],
        ...[withinMs, keepMs, leadMs],
      ]),
    );
    const [redisMs = 0, slotMs = 0] = (answer as [string, string]).map(Number);
    deps.clock.learn(sentMs, now(), redisMs);
    return slotMs < 0 ? { waitMs: -slotMs } : { slotMs: deps.clock.toLocal(slotMs) };
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
      await orUnavailable(() => pushBack.run(client, keyOf(key), [forMs + guardMs, keepMs]));
    },
  };
}

async function sleep(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, Math.ceil(ms)));
}
