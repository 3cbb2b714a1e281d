import type { CacheStore, ClaimStore, ClaimTaken, LockStore, Store } from '../../ports/index.ts';
import type { Vault } from '../vault.ts';
import { adoptClaim, releaseClaim, settleClaim, startClaim, takeClaim } from './claim-scripts.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';
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
export function createRedisStore({ client, vault, namesOf, mode }: Deps): Store {
  const claimKey = (key: string): string => `vs:${mode}:claim:${key}`;
  const run = (script: Script, key: string, args: readonly (string | number)[]) =>
    orUnavailable(() => script.run(client, key, args));
  const isDone = async (...given: Parameters<typeof run>): Promise<boolean> =>
    (await run(...given)) === 1;

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
    start: ({ key, owner, fence }, { answerWithinMs, keepSeconds }) =>
      isDone(startClaim, claimKey(key), [
        owner,
        fence,
        'claimed',
        answerWithinMs,
        keepSeconds * 1000,
      ]),
    startAgain: ({ key, owner, fence }, { answerWithinMs, keepSeconds }) =>
      isDone(startClaim, claimKey(key), [
        owner,
        fence,
        'started',
        answerWithinMs,
        keepSeconds * 1000,
      ]),
    settle: ({ key, owner, fence }, state, keepSeconds) =>
      isDone(settleClaim, claimKey(key), [owner, fence, state, keepSeconds * 1000]),
    adopt: ({ key, owner, fence }, keepSeconds) =>
      isDone(adoptClaim, claimKey(key), [owner, fence, keepSeconds * 1000]),
    release: ({ key, owner, fence }) => isDone(releaseClaim, claimKey(key), [owner, fence]),
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
    records: redisRecords({ client, vault, namesOf, mode }),
    cache,
    locks,
    lists: redisLists({ client, mode }),
    ping: createRedisProbe({ client, mode }),
    close: async () => {
      client.disconnect();
    },
  };
}
