import { StoreUnavailable } from '../../ports/index.ts';
import type { Pacer, Slot } from '../bottleneck-limiter.ts';
import { createMemoryPacer, windowOf } from '../memory/memory-pacer.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';
import type { RedisClock } from './redis-clock.ts';
import { createScript, type Script } from './script.ts';

interface Deps {
  readonly client: RedisClient;
  readonly clock: RedisClock;
  readonly now: () => number;
  readonly guardMs: number;
  /** The keys of a quota's slot lists, one for each hash key. All are in one cluster slot. */
  readonly placesOf: (key: string) => readonly [string, ...string[]];
  /** The last known number of replicas. */
  readonly replicas: () => number;
}

/**
 * Slots are reserved at most this far ahead. If Redis loses its data, the reservations end within this
 * time.
 */
const lookAheadMs = 1000;
/** Calls of a burst keep this share of their even distance, so that a window is not used up at once. */
const gapShare = 0.3;
const keepMs = 24 * 3600 * 1000;
/** Half of the longest plausible round trip. A longer one was measured across a stall of this process. */
const mostWayBackMs = 125;
/** How long to wait if recent traffic is not known: one window, and what may be reserved ahead of it. */
const unknownForMs = 2500;
/** Redis counts as gone after failures for this long. */
const declaredAwayMs = 400;

const clock = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local function text(ms) return string.format('%.3f', ms) end
`;

/**
 * Each list contains the last slots, newest first. ARGV: calls per window, length of the window, smallest
 * gap, look-ahead, time the caller can wait, retention, time to prepare, the newest slot that the caller
 * knows of, 1 if the server is a new one; times in ms. Returns Redis' time and the slot, or minus the time
 * after which to ask again.
 *
 * Recent traffic is not known in four cases: there is no list (after a restart); the list is older than
 * what the caller knows (after a restart from a snapshot); the server is a new one, whatever it has loaded;
 * the list is from the future (after Redis' clock was set back). Then a whole window, and what may be
 * reserved ahead of it, must pass first. The list is longer than one window, for replicas that are
 * configured with a larger limit.
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

/** ARGV: how long no call may be sent, retention, wait if recent traffic is not known; in ms. */
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

/** ARGV: a slot as `reserveLua` returned it. The spaces of the other slots stay as they are. */
const giveBack = createScript(`
for _, key in ipairs(KEYS) do redis.call('LREM', key, 1, ARGV[1]) end
return 1
`);

/** One quota, as this process knows it. */
interface Quota {
  readonly places: readonly [string, ...string[]];
  readonly reserve: Script;
  /** The newest slot that was granted to this process, by Redis' clock. */
  newestMs: number;
}

/**
 * Reserves slots for all replicas, by Redis' clock, because the clocks of replicas may differ.
 *
 * Without Redis it is not known what the other replicas send. Calls that only read an outcome continue at
 * this replica's share of the limit; all others are refused.
 */
export function createRedisPacer(deps: Deps): Pacer {
  const { client, now, guardMs } = deps;
  const quotas = new Map<string, Quota>();
  const alone = createMemoryPacer({ now, guardMs });
  /** When this replica last sent without Redis, unknown to the others. */
  let lastAloneMs = -Infinity;
  let awaySinceMs: number | null = null;

  function quotaOf(key: string): Quota {
    const places = deps.placesOf(key);
    const known = quotas.get(key) ?? {
      places,
      // Each quota has its own script text. If a server does not know the script, it was restarted since
      // this quota was last used, or it replaced another server: Redis 7 does not store scripts with the
      // data.
      reserve: createScript(`-- ${places[0]}\n${reserveLua}`),
      newestMs: 0,
    };
    quotas.set(key, known);
    return known;
  }

  /** A slot, or the time after which to ask again; by this process' clock. */
  async function ask(
    key: string,
    perSecond: number,
    withinMs: number,
    leadMs = 0,
  ): Promise<Slot | { readonly waitMs: number }> {
    const { perWindow, lengthMs } = windowOf(perSecond, guardMs);
    const gapMs = (lengthMs / perWindow) * gapShare;
    const quota = quotaOf(key);
    const sentMs = now();
    const args = [
      ...[perWindow, lengthMs, gapMs, lookAheadMs],
      // Half of the round trip is added, because the reply takes that long and the caller cannot prepare
      // meanwhile.
      ...[withinMs, keepMs, leadMs + Math.min(mostWayBackMs, deps.clock.roundTripMs() / 2)],
      quota.newestMs,
    ];
    const answer = await orUnavailable(() =>
      quota.reserve.run(client, quota.places, [...args, 0], [...args, 1]),
    );
    const [clockText, slotText] = answer as [string, string];
    const [redisMs, slotMs] = [Number(clockText), Number(slotText)];
    deps.clock.learn(sentMs, now(), redisMs);
    if (slotMs < 0) return { waitMs: -slotMs };
    quota.newestMs = Math.max(quota.newestMs, slotMs);
    return {
      atMs: deps.clock.toLocal(slotMs),
      giveBack: () => {
        // Without its newest entry the list would look older than what this process knows of it.
        if (quota.newestMs === slotMs) quota.newestMs = 0;
        // Best effort: otherwise the slot stays unused.
        giveBack.run(client, quota.places, [slotText]).catch(() => {});
      },
    };
  }

  async function reserveShared(
    key: string,
    perSecond: number,
    latestMs: number,
    leadMs: number,
  ): Promise<Slot | null> {
    const freeMs = lastAloneMs + windowOf(perSecond, guardMs).lengthMs;
    if (now() < freeMs) {
      // Redis may be back. This call begins the list; then wait until the calls that were sent without
      // Redis have left the window.
      await ask(key, perSecond, -1);
      if (freeMs > latestMs) return null;
      await sleep(freeMs - now());
    }
    for (;;) {
      const answer = await ask(key, perSecond, Math.max(0, latestMs - now()), leadMs);
      if ('atMs' in answer) return answer;
      if (now() + answer.waitMs > latestMs) return null;
      // Wait until the slot is within the look-ahead, or a little longer: another replica may have been
      // faster.
      await sleep(Math.max(10, answer.waitMs - lookAheadMs / 2));
    }
  }

  return {
    reserve: async ({ key, perSecond, priority }, latestMs, leadMs) => {
      try {
        const slot = await reserveShared(key, perSecond, latestMs, leadMs);
        awaySinceMs = null;
        return slot;
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || priority === 'start') throw error;
        awaySinceMs ??= performance.now();
        // Other replicas may still use slots that they reserved. One slow command is no reason to send
        // without Redis.
        const isAway =
          performance.now() - awaySinceMs >
          declaredAwayMs + lookAheadMs + windowOf(perSecond, guardMs).lengthMs;
        if (!isAway) throw error;
        const share = perSecond / Math.max(1, deps.replicas());
        const slot = await alone.reserve({ key, perSecond: share, priority }, latestMs, leadMs);
        if (slot) lastAloneMs = Math.max(lastAloneMs, slot.atMs);
        return slot;
      }
    },

    warm: async (key, perSecond) => {
      // Asks for a slot in the past. This begins the list and reserves nothing.
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
