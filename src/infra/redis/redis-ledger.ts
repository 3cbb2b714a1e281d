import { type LedgerEntry, type LedgerStore, type OperationScopes } from '../../ports/index.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';
import { digestOf, toLedgerPairs } from './ledger-pairs.ts';
import { createScript } from './script.ts';

/** How much of the ledger Redis keeps. */
export interface LedgerBounds {
  readonly mostEntries: number;
  readonly days: number;
}

/** What a script needs in order to append entries: further keys, and further arguments at the end. */
export interface Appended {
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

export interface RedisLedger extends LedgerStore {
  /**
   * Runs a step that entries tell of. `run` gets what its script appends with `appendLua`, so that both happen or
   * neither. `happened` tells from the result whether the step was done.
   */
  readonly beside: <T>(
    entries: readonly LedgerEntry[],
    run: (appended: Appended) => Promise<T>,
    happened: (result: T) => boolean,
  ) => Promise<T>;
}

/** Entries are dropped in portions, because finding out what may be dropped takes several commands. */
const trimEvery = 100;

/**
 * Defines `append(key, at)`. ARGV from `at`: number of entries, most entries, how long they are kept in ms; then of each
 * entry its digest and its content, as JSON: as single arguments, its texts would cost this process more than twice as
 * much (2026-11-27).
 *
 * `chain` is a hash over the chain of the entry before, the id, `seq` and the digest of this one. The digest, SHA-256 of
 * the content, is computed by this service: Redis has SHA-1 only. A collision of SHA-1 needs freely chosen input, and
 * here all that varies is a SHA-256.
 *
 * What a consumer group has not acknowledged is not dropped for its age, only for the number of entries.
 */
export const appendLua = `
local function oldestNeeded(key, oldest)
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local about = {}
    for at = 1, #group, 2 do about[group[at]] = group[at + 1] end
    local pending = redis.call('XPENDING', key, about['name'])
    local done = pending[1] > 0 and pending[2] or about['last-delivered-id']
    oldest = math.min(oldest, tonumber(string.match(done, '^%d+')))
  end
  return oldest
end
local function append(key, at)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
  local seq, chain, ms, place = 0, '', 0, 0
  if last then
    local head, tail = string.match(last[1], '^(%d+)-(%d+)$')
    ms, place = tonumber(head), tonumber(tail)
    local texts = last[2]
    if texts[#texts - 1] == 'chain' then seq, chain = tonumber(texts[#texts - 2]), texts[#texts] end
  end
  local count, most, keepMs = tonumber(ARGV[at]), ARGV[at + 1], tonumber(ARGV[at + 2])
  local isDue = false
  at = at + 3
  for _ = 1, count do
    if now > ms then ms, place = now, 0 else place = place + 1 end
    seq = seq + 1
    local id = string.format('%.0f-%.0f', ms, place)
    local number = string.format('%.0f', seq)
    chain = redis.sha1hex(chain .. ' ' .. id .. ' ' .. number .. ' ' .. ARGV[at])
    local texts = cjson.decode(ARGV[at + 1])
    for _, text in ipairs({'seq', number, 'chain', chain}) do texts[#texts + 1] = text end
    redis.call('XADD', key, id, unpack(texts))
    at = at + 2
    isDue = isDue or seq % ${trimEvery} == 0
  end
  if isDue then
    local oldest = oldestNeeded(key, now - keepMs)
    if oldest > 0 then redis.call('XTRIM', key, 'MINID', '~', string.format('%.0f-0', oldest)) end
    redis.call('XTRIM', key, 'MAXLEN', '~', most)
  end
end
`;

const appendAlone = createScript(`${appendLua}
append(KEYS[1], 1)
return 1
`);

/** ARGV: the text before, the text after; entries. Both keys are in one slot. */
const replaceNoted = createScript(`${appendLua}
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
append(KEYS[2], 3)
return 1
`);

const nothing: Appended = { keys: [], args: [] };

/**
 * The ledger: a stream that is only appended to, in which each entry has the hash of the one before. docs/ledger.md.
 *
 * In a cluster a script reaches one slot only, so an entry is appended before the step that it tells of. If the step
 * then is not done, a further entry revokes it.
 */
export function createRedisLedger({
  client,
  mode,
  bounds,
  scopes,
  now,
}: {
  readonly client: RedisClient;
  readonly mode: string;
  readonly bounds: LedgerBounds;
  readonly scopes: Pick<OperationScopes, 'current'> | null;
  readonly now: () => number;
}): RedisLedger {
  const key = `{vs:${mode}}:audit`;
  const notedKey = `${key}:settings`;
  const limits = [bounds.mostEntries, bounds.days * 24 * 3600 * 1000] as const;

  function toArgs(entries: readonly LedgerEntry[]): readonly (string | number)[] {
    const told = entries.flatMap((entry) => {
      const content = JSON.stringify(toLedgerPairs(entry, scopes?.current()));
      return [digestOf(content), content];
    });
    return [entries.length, ...limits, ...told];
  }

  async function append(entries: readonly LedgerEntry[]): Promise<void> {
    if (entries.length === 0) return;
    await orUnavailable(() => appendAlone.run(client, key, toArgs(entries)));
  }

  return {
    append,
    noted: {
      read: () => orUnavailable(() => client.get(notedKey)),
      replace: async (before, after, entries) => {
        const args = [before ?? '', after, ...toArgs(entries)];
        return (await orUnavailable(() => replaceNoted.run(client, [notedKey, key], args))) === 1;
      },
    },
    beside: async (entries, run, happened) => {
      if (entries.length === 0) return run(nothing);
      if (!client.isCluster) return run({ keys: [key], args: toArgs(entries) });
      await append(entries);
      const result = await run(nothing);
      // What a call has cost stays true, whatever became of the step.
      const undone = entries.filter(({ kind }) => kind !== 'charge' && kind !== 'charge_dropped');
      if (!happened(result) && undone.length > 0) {
        await append(
          undone.map(({ kind, tenantId, recordId }) => ({
            ...{ kind: 'revoked' as const, atMs: now(), tenantId, recordId, of: kind },
          })),
        );
      }
      return result;
    },
  };
}
