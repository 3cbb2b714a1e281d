import { setTimeout as sleep } from 'node:timers/promises';
import type { Publish, ServiceEvent, ToldEntry } from '../../ports/index.ts';
import { isDoneWithin } from '../running-time.ts';
import type { RedisClient } from './connect-redis.ts';
import { toLine, type LedgerLine } from './read-redis-ledger.ts';
import { isRefusal } from './redis-fault.ts';
import { endOfMs } from './redis-publish.ts';
import { createScript } from './script.ts';

interface Deps {
  readonly client: RedisClient;
  readonly mode: string;
  /** Tells which replica relays. */
  readonly owner: string;
  readonly publish: Publish;
  /** The event that tells of an entry; null for none. */
  readonly toEvent: (entry: ToldEntry) => ServiceEvent | null;
  readonly onError: (error: unknown) => void;
  readonly now: () => number;
}

interface Work extends Deps {
  readonly firstPlace: string;
}

export interface EventRelay {
  readonly close: () => Promise<void>;
}

const lookEveryMs = 500;
/** Another replica takes over after this long. */
const leaseMs = 3000;
const entriesAtOnce = 200;
/** In a cluster an entry is only told once nothing can revoke it, so the entries of some seconds are read at once. */
const entriesAtOnceInCluster = 5000;
const closeWithinMs = 2000;
/** In a cluster, an entry is appended before its step, and an entry that revokes it follows within this time. */
const clusterSettlesWithinMs = 3000;

/**
 * KEYS: the ledger, and the place of the relay: a hash of its owner, the end of its lease in ms, and the last entry that was
 * relayed. ARGV: this replica, the lease in ms, how many, and the place if there is none yet. Returns the time, and the
 * entries after that place; nothing while another replica relays.
 */
const takeEntries = createScript(`
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local owner, untilMs, place = unpack(redis.call('HMGET', KEYS[2], 'owner', 'untilMs', 'place'))
if owner and owner ~= ARGV[1] and nowMs < tonumber(untilMs) then return {} end
place = place or ARGV[4]
redis.call('HSET', KEYS[2], 'owner', ARGV[1], 'untilMs', nowMs + ARGV[2], 'place', place)
return {string.format('%.0f', nowMs), redis.call('XRANGE', KEYS[1], '(' .. place, '+', 'COUNT', ARGV[3])}
`);

/** KEYS: the place of the relay. ARGV: this replica, and the last entry that was relayed. */
const advance = createScript(`
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('HSET', KEYS[1], 'place', ARGV[2]) end
`);

/**
 * Publishes events from the entries of the ledger. An entry is written in the same step as what it tells of, so no event is
 * lost with a process. One replica at a time does this. After a failure an event may be published twice.
 */
export function createEventRelay(deps: Deps): EventRelay {
  const ending = new AbortController();
  // Without a place it begins with what happens from now on, also if Redis is away now, or loses its data later.
  const working = work({ ...deps, firstPlace: endOfMs(deps.now()) }, ending.signal);
  return {
    close: async () => {
      ending.abort();
      await isDoneWithin(working, closeWithinMs);
    },
  };
}

async function work(deps: Work, ending: AbortSignal): Promise<void> {
  let isToldOf = false;
  while (!ending.aborted) {
    // If Redis is away, the next look finds what is left. The readiness probe reports the outage.
    const isMore = await relaySome(deps).catch((error: unknown) => {
      if (!isToldOf && isRefusal(error)) deps.onError(error);
      isToldOf ||= isRefusal(error);
      return false;
    });
    if (!isMore) await sleep(lookEveryMs, undefined, { signal: ending }).catch(() => {});
  }
}

/** Whether there may be more. */
async function relaySome({
  client,
  mode,
  owner,
  publish,
  toEvent,
  firstPlace,
}: Work): Promise<boolean> {
  const most = client.isCluster ? entriesAtOnceInCluster : entriesAtOnce;
  const ledger = `{vs:${mode}}:audit`;
  const place = `${ledger}:relay`;
  const taken = await takeEntries.run(
    client,
    [ledger, place],
    [...[owner, leaseMs, most, firstPlace]],
  );
  const [nowMs, found] = taken as [string?, [string, string[]][]?];
  const lines = (found ?? []).map(([id, fields]) => toLine(id, fields));
  // Of a full portion, what follows its last entry is not known.
  const knownMs = lines.length === most ? msOf(lines.at(-1)) : Number(nowMs);
  const settledMs = client.isCluster ? knownMs - clusterSettlesWithinMs : Number(nowMs);
  const isSettled = (line: LedgerLine): boolean => msOf(line) <= settledMs;
  const some = lines.filter(isSettled);
  // A portion that was written within those seconds is told as it is: to wait would be for ever.
  const settled = some.length === 0 && lines.length === most ? lines : some;
  const last = settled.at(-1);
  if (!last) return false;
  const events = settled.flatMap((line, at) => {
    const { kind = '', recordId, tenantId, status, at: told = '' } = line;
    // Every entry has a time. One that has none must not hold up the others.
    const atMs = Date.parse(told) || msOf(line);
    const event = toEvent({ kind, recordId, tenantId, status, atMs });
    return event && !isRevoked(line, lines.slice(at + 1)) ? [event] : [];
  });
  await Promise.all(events.map(publish));
  await advance.run(client, place, [owner, last.entry]);
  return lines.length === most;
}

/** When an entry was appended, by Redis' clock. */
function msOf(line: LedgerLine | undefined): number {
  return Number(line?.entry.split('-', 1)[0] ?? 0);
}

/** Whether one of the later entries says that the step was not done. */
function isRevoked({ recordId, kind }: LedgerLine, later: readonly LedgerLine[]): boolean {
  return later.some(
    (line) => line['kind'] === 'revoked' && line['recordId'] === recordId && line['of'] === kind,
  );
}
