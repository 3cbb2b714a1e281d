import {
  StoreUnavailable,
  type CacheStore,
  type ClaimStore,
  type ClaimTaken,
  type LockStore,
  type RecordStore,
  type Store,
  type StoredRecord,
} from '../../contract/index.ts';
import type { Vault } from '../vault.ts';
import { releaseClaim, settleClaim, startClaim, takeClaim } from './claim-scripts.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';
import { createScript, type Script } from './script.ts';

interface Deps {
  readonly client: RedisClient;
  readonly vault: Vault;
  /** Keyed hashes of an id, the newest key first: records are written under the first. */
  readonly namesOf: (id: string) => readonly [string, ...string[]];
  /** `sandbox` or `live`: they share no key. */
  readonly mode: string;
}

/** ARGV: version, body, time to keep in ms. 1 replaced, 0 it was another version, -1 not here. */
const replaceRecord = createScript(`
local version = redis.call('HGET', KEYS[1], 'v')
if not version then return -1 end
if version ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'v', version + 1, 'b', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`);

/** ARGV: body, time to keep in ms. */
const createRecord = createScript(`
redis.call('HSET', KEYS[1], 'v', 1, 'b', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`);

/** ARGV: owner, new end in ms from now; 0 ends it at once. */
const changeLock = createScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

/**
 * The store that replicas share. Keys are keyed hashes, values ciphertext, and each has an end.
 * Every method throws `StoreUnavailable` well inside an operation's deadline.
 */
export function createRedisStore({ client, vault, namesOf, mode }: Deps): Store {
  const claimKey = (key: string): string => `vs:${mode}:claim:${key}`;
  const recordKeys = (id: string): readonly [string, ...string[]] => {
    const [newest, ...others] = namesOf(id);
    const toKey = (name: string): string => `vs:${mode}:record:${name}`;
    return [toKey(newest), ...others.map(toKey)];
  };
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
    release: ({ key, owner, fence }) => isDone(releaseClaim, claimKey(key), [owner, fence]),
  };

  /** One wave: commands of one tick travel together, each slot its own way. */
  async function readAll(
    wanted: readonly { readonly id: string; readonly place: string }[],
  ): Promise<(StoredRecord | null)[]> {
    const found = await orUnavailable(() =>
      Promise.all(wanted.map(({ place }) => client.hmget(place, 'v', 'b'))),
    );
    return found.map(([version, body], at) => {
      const { id, place } = wanted[at] ?? { id: '', place: '' };
      return version == null || body == null
        ? null
        : { id, version: Number(version), body: openOrEmpty(place, body) };
    });
  }

  /** One that does not open is no miss, and says nothing about the others: nobody can read ''. */
  function openOrEmpty(place: string, body: string): string {
    try {
      return vault.open('record', place, body);
    } catch {
      return '';
    }
  }

  const records: RecordStore = {
    create: async (id, body, keepSeconds) => {
      const [place] = recordKeys(id);
      await run(createRecord, place, [vault.seal('record', place, body), keepSeconds * 1000]);
    },

    get: async (ids) => {
      const unique = [...new Set(ids)];
      const found = new Map<string, StoredRecord>();
      const generations = recordKeys('').length;
      for (let generation = 0; generation < generations; generation++) {
        const missing = unique.filter((id) => !found.has(id));
        const wanted = missing.map((id) => ({ id, place: recordKeys(id)[generation] ?? '' }));
        for (const record of await readAll(wanted)) if (record) found.set(record.id, record);
      }
      return ids.map((id) => found.get(id) ?? null);
    },

    replace: async ({ id, version }, body, keepSeconds) => {
      for (const place of recordKeys(id)) {
        const sealed = vault.seal('record', place, body);
        const done = await run(replaceRecord, place, [version, sealed, keepSeconds * 1000]);
        if (done !== -1) return done === 1;
      }
      return false;
    },

    remove: async (id) => {
      await orUnavailable(() => Promise.all(recordKeys(id).map((place) => client.del(place))));
    },
  };

  const cacheKey = (key: string): string => `vs:${mode}:cache:${key}`;
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
  };

  const lockKey = (key: string): string => `vs:${mode}:lock:${key}`;
  const locks: LockStore = {
    take: async (key, owner, forMs) =>
      (await orUnavailable(() => client.set(lockKey(key), owner, 'PX', forMs, 'NX'))) === 'OK',
    renew: (key, owner, forMs) => isDone(changeLock, lockKey(key), [owner, forMs]),
    release: (key, owner) => isDone(changeLock, lockKey(key), [owner, 0]),
  };

  return {
    claims,
    records,
    cache,
    locks,
    ping: async () => {
      const answer = await orUnavailable(() => client.ping());
      if (answer !== 'PONG') throw new StoreUnavailable();
    },
    close: async () => {
      client.disconnect();
    },
  };
}
