import { setTimeout as sleep } from 'node:timers/promises';
import type { FollowUp, FollowUpPlan } from '../follow-up-plan.ts';
import { isDoneWithin } from '../running-time.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';
import { isRefusal } from './redis-fault.ts';
import { createScript } from './script.ts';

interface Deps {
  readonly client: RedisClient;
  readonly mode: string;
  readonly onError: (error: unknown) => void;
}

/** The delay after a failed visit. It doubles with each attempt. */
const againAfterMs = 5000;
const againAfterMostMs = 300_000;
/** Another replica takes over a visit whose replica has not renewed it for this long. */
const lostAfterMs = 10_000;
/** How many visits a replica performs at a time. */
const concurrency = 4;
/** How often a replica looks for due follow-ups. */
const lookEveryMs = 500;
const closeWithinMs = 2000;
/** By the clock of this replica, which may differ from that of Redis by some seconds. */
const lateAfterMs = 60_000;

// KEYS of all scripts: planned, running, failures. The first two are sorted sets of ids: by the time when a follow-up
// is due, and by the time when its replica counts as lost, in ms. The third is a hash of attempts that failed.

const clock = `
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** ARGV: how many, and the lease in ms. Returns the ids of follow-ups that this replica runs from now on, and their leases. */
const takeDue = createScript(`${clock}
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], '-inf', nowMs, 'BYSCORE', 'LIMIT', 0, 100)) do
  redis.call('ZADD', KEYS[1], 'NX', nowMs, id)
  redis.call('ZREM', KEYS[2], id)
end
local lease = nowMs + ARGV[2]
local taken = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', nowMs, 'BYSCORE', 'LIMIT', 0, ARGV[1])) do
  redis.call('ZADD', KEYS[2], lease, id)
  redis.call('ZREM', KEYS[1], id)
  taken[#taken + 1] = id
end
return {string.format('%.0f', lease), taken}
`);

/** ARGV: the id, the lease it is held by, and the length of the next one. Returns the next lease, or '' if it is lost. */
const renewLease = createScript(`${clock}
if redis.call('ZSCORE', KEYS[2], ARGV[1]) ~= ARGV[2] then return '' end
local lease = nowMs + ARGV[3]
redis.call('ZADD', KEYS[2], lease, ARGV[1])
return string.format('%.0f', lease)
`);

/**
 * ARGV: the id, its lease, when it is due again, or '' for never, and the shortest delay in ms. Does nothing if the
 * lease is lost. The clock of a replica may be behind that of Redis: without the shortest delay, a follow-up that is not
 * due by the replica's clock would be performed over and over.
 */
const finish = createScript(`${clock}
if redis.call('ZSCORE', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] ~= '' then
  redis.call('ZADD', KEYS[1], math.max(tonumber(ARGV[3]), nowMs + ARGV[4]), ARGV[1])
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
return 1
`);

/** ARGV: the id, its lease, the shortest and the longest delay in ms. Does nothing if the lease is lost. */
const retryLater = createScript(`${clock}
if redis.call('ZSCORE', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
local attempts = redis.call('HINCRBY', KEYS[3], ARGV[1], 1)
local delay = math.min(ARGV[4], ARGV[3] * 2 ^ math.min(attempts - 1, 30))
redis.call('ZADD', KEYS[1], nowMs + delay, ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
`);

/**
 * Follow-ups in Redis. Planning one is one command. One replica performs each, whichever planned it. Redis contains
 * ids only.
 */
export function createRedisFollowUps({ client, mode, onError }: Deps): FollowUpPlan {
  // Braces: one slot in a cluster.
  const place = (name: string): string => `{vs:${mode}}:follow-ups:${name}`;
  const keys = [place('planned'), place('running'), place('failures')] as const;
  const [planned] = keys;
  const ending = new AbortController();
  let working = Promise.resolve();

  return {
    plan: (id, atMs) =>
      orUnavailable(async () => {
        await client.zadd(planned, 'NX', Math.ceil(atMs), id);
      }),

    bringForward: (id, atMs) =>
      orUnavailable(async () => {
        await client.zadd(planned, 'XX', 'LT', Math.ceil(atMs), id);
      }),

    begin: (visit) => {
      working = work({ client, keys, visit, onError }, ending.signal);
    },

    counts: () =>
      orUnavailable(async () => {
        const lateMs = Date.now() - lateAfterMs;
        const [all, late] = await Promise.all([
          client.zcard(planned),
          client.zcount(planned, '-inf', lateMs),
        ]);
        return { planned: all, late };
      }),

    close: async () => {
      ending.abort();
      await isDoneWithin(working, closeWithinMs);
    },
  };
}

interface Work {
  readonly client: RedisClient;
  readonly keys: readonly string[];
  readonly visit: FollowUp;
  readonly onError: (error: unknown) => void;
}

/** Performs due follow-ups until `ending`, some at a time. */
async function work(deps: Work, ending: AbortSignal): Promise<void> {
  const { client, keys, onError } = deps;
  const running = new Set<Promise<void>>();
  let isToldOf = false;
  while (!ending.aborted) {
    const free = concurrency - running.size;
    // If Redis is away, the next look finds what is due. The readiness probe reports the outage.
    const [lease, ids] = await takeDue.run(client, keys, [free, lostAfterMs]).then(
      (taken) => {
        isToldOf = false;
        return taken as [string, string[]];
      },
      (error: unknown): [string, string[]] => {
        if (!isToldOf && isRefusal(error)) onError(error);
        isToldOf ||= isRefusal(error);
        return ['', []];
      },
    );
    for (const id of ids) {
      const performing: Promise<void> = perform(deps, id, lease).finally(() =>
        running.delete(performing),
      );
      running.add(performing);
    }
    if (running.size >= concurrency) await Promise.race(running);
    else if (ids.length < free) {
      await sleep(lookEveryMs, undefined, { signal: ending }).catch(() => {});
    }
  }
  await Promise.all(running);
}

/** Throws if the next time is not a finite number. Redis would refuse it, and the follow-up would be repeated endlessly. */
async function visitOnce(visit: FollowUp, id: string): Promise<number | null> {
  const nextMs = await visit(id);
  if (nextMs !== null && !Number.isFinite(nextMs)) throw new TypeError('not a time');
  return nextMs;
}

/** Never rejects: what this process cannot settle, another one performs when the lease is over. */
async function perform(
  { client, keys, visit, onError }: Work,
  id: string,
  firstLease: string,
): Promise<void> {
  let lease = Promise.resolve(firstLease);
  const renewing = setInterval(() => {
    lease = lease.then((held) =>
      renewLease.run(client, keys, [id, held, lostAfterMs]).then(String, () => held),
    );
  }, lostAfterMs / 3);
  const settle = await visitOnce(visit, id).then(
    (nextMs) => (held: string) =>
      finish.run(client, keys, [id, held, nextMs === null ? '' : Math.ceil(nextMs), lookEveryMs]),
    (error: unknown) => {
      onError(error);
      return (held: string) =>
        retryLater.run(client, keys, [id, held, againAfterMs, againAfterMostMs]);
    },
  );
  clearInterval(renewing);
  await lease.then(settle).catch(() => {});
}
