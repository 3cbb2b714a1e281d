import type {
  CacheStore,
  ClaimStore,
  ClaimTaken,
  ClaimTicket,
  ClaimTimes,
  LedgerEntry,
  LockStore,
  Store,
} from '../../ports/index.ts';
import type { Vault } from '../vault.ts';
import { adoptClaim, releaseClaim, settleClaim, startClaim, takeClaim } from './claim-scripts.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';
import type { RedisLedger } from './redis-ledger.ts';
import { redisLists } from './redis-lists.ts';
import { createRedisProbe } from './redis-probe.ts';
import { redisRecords } from './redis-records.ts';
import { createScript, type Script } from './script.ts';

interface Deps {
  readonly client: RedisClient;
  readonly vault: Vault;
  /** Keyed hashes of an id, newest key first. Records are written under the first. */
  readonly namesOf: (id: string) => readonly [string, ...string[]];
  /** `sandbox` or `live`. They share no keys. */
  readonly mode: string;
  readonly ledger: RedisLedger;
}

/** ARGV: owner, new lease in ms; 0 releases the lock. */
const changeLock = createScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

/**
 * The store that replicas share. Keys are keyed hashes, values are ciphertext, and each has an expiry.
 * Every method throws `StoreUnavailable` well before an operation's deadline.
 */
export function createRedisStore({ client, vault, namesOf, mode, ledger }: Deps): Store {
  const claimKey = (key: string): string => `vs:${mode}:claim:${key}`;
  const run = (script: Script, key: string, args: readonly (string | number)[]) =>
    orUnavailable(() => script.run(client, key, args));
  const isDone = async (...given: Parameters<typeof run>): Promise<boolean> =>
    (await run(...given)) === 1;

  /** Runs a script on a claim, together with the entries that tell of it. */
  const tell = (
    script: Script,
    key: string,
    args: readonly (string | number)[],
    entries: readonly LedgerEntry[] = [],
  ): Promise<boolean> =>
    ledger.beside(
      entries,
      async ({ keys, args: told }) =>
        (await orUnavailable(() => script.run(client, [key, ...keys], [...args, ...told]))) === 1,
      Boolean,
    );
  const begin = (
    { key, owner, fence }: ClaimTicket,
    from: 'claimed' | 'started',
    { answerWithinMs, keepSeconds }: ClaimTimes,
    entries?: readonly LedgerEntry[],
  ): Promise<boolean> => {
    const args = [owner, fence, from, answerWithinMs, keepSeconds * 1000];
    return tell(startClaim, claimKey(key), args, entries);
  };

  const claims: ClaimStore = {
    take: async ({ key, fingerprint, recordId, owner, effect, leaseMs }) => {
      const place = claimKey(key);
      const sealed = vault.seal('claim', place, recordId);
      const answer = await run(takeClaim, place, [fingerprint, sealed, owner, effect, leaseMs]);
      const [state, given] = answer as [ClaimTaken['state'], string];
      if (state === 'won') return { state, ticket: { key, owner, fence: Number(given) } };
      if (state === 'mismatch') return { state };
      return { state, recordId: vault.open('claim', place, given) };
    },
    start: (ticket, times, entries) => begin(ticket, 'claimed', times, entries),
    startAgain: (ticket, times, entries) => begin(ticket, 'started', times, entries),
    settle: ({ key, owner, fence }, state, keepSeconds, entries) =>
      tell(settleClaim, claimKey(key), [owner, fence, state, keepSeconds * 1000], entries),
    adopt: ({ key, owner, fence }, keepSeconds) =>
      isDone(adoptClaim, claimKey(key), [owner, fence, keepSeconds * 1000]),
    release: ({ key, owner, fence }, entries) =>
      tell(releaseClaim, claimKey(key), [owner, fence], entries),
  };

  // Braces: a cache entry and the lock of the same key are in one slot (`singleFlight`).
  const cacheKey = (key: string): string => `vs:${mode}:cache:{${key}}`;
  const cache: CacheStore = {
    get: async (key) => {
      const place = cacheKey(key);
      const sealed = await orUnavailable(() => client.get(place));
      return sealed === null ? null : vault.open('cache', place, sealed);
    },
    set: async (key, body, keepSeconds) => {
      const place = cacheKey(key);
      const sealed = vault.seal('cache', place, body);
      await orUnavailable(() => client.set(place, sealed, 'PX', Math.ceil(keepSeconds * 1000)));
    },
    remove: async (keys) => {
      await orUnavailable(() => Promise.all(keys.map((key) => client.del(cacheKey(key)))));
    },
  };

  const lockKey = (key: string): string => `vs:${mode}:lock:{${key}}`;
  const locks: LockStore = {
    take: async (key, owner, forMs) =>
      (await orUnavailable(() => client.set(lockKey(key), owner, 'PX', forMs, 'NX'))) === 'OK',
    renew: (key, owner, forMs) => isDone(changeLock, lockKey(key), [owner, forMs]),
    release: (key, owner) => isDone(changeLock, lockKey(key), [owner, 0]),
  };

  return {
    claims,
    records: redisRecords({ client, vault, namesOf, mode, ledger }),
    cache,
    locks,
    lists: redisLists({ client, mode }),
    ledger: { append: ledger.append, noted: ledger.noted },
    ping: createRedisProbe({ client, mode }),
    close: async () => {
      client.disconnect();
    },
  };
}
