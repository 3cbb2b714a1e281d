import type { RecordLife, RecordParts, RecordStore, StoredRecord } from '../../ports/index.ts';
import type { Vault } from '../vault.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';
import { createScript, type Script } from './script.ts';

// A record is a hash of version and body. Its personal part is a second key, so that each has its own
// expiry. The braces in their names put both keys into one slot.

/**
 * ARGV: expected version (or ''), version, body, its retention in ms, personal part (or ''), its retention.
 */
const writeRecord = createScript(`
local version = redis.call('HGET', KEYS[1], 'v')
if ARGV[1] ~= '' then
  if not version then return -1 end
  if version ~= ARGV[1] then return 0 end
end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'b', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if ARGV[5] == '' then
  redis.call('DEL', KEYS[2])
else
  redis.call('SET', KEYS[2], ARGV[5], 'PX', ARGV[6])
end
return 1
`);

/**
 * Reads both parts atomically: a personal part that was redacted must not come back with a body. The reply
 * for an absent record is as long as for an existing one, so that it takes the same time.
 */
const readRecord = createScript(`
local found = redis.call('HMGET', KEYS[1], 'v', 'b')
local personal = redis.call('GET', KEYS[2])
if not found[1] then return {false, false, string.rep('x', 2000)} end
return {found[1], found[2], personal}
`);

/** Records under keyed hashes of their ids, as ciphertext, each with an expiry. */
export function redisRecords({
  client,
  vault,
  namesOf,
  mode,
}: {
  readonly client: RedisClient;
  readonly vault: Vault;
  readonly namesOf: (id: string) => readonly [string, ...string[]];
  readonly mode: string;
}): RecordStore {
  const recordKeys = (id: string): readonly [string, ...string[]] => {
    const [newest, ...others] = namesOf(id);
    const toKey = (name: string): string => `vs:${mode}:record:{${name}}`;
    return [toKey(newest), ...others.map(toKey)];
  };
  const run = (script: Script, place: string, args: readonly (string | number)[]) =>
    orUnavailable(() => script.run(client, partsOf(place), args));

  /** All records in one round trip per slot: commands of one tick are sent together. */
  async function readAll(
    wanted: readonly { readonly id: string; readonly place: string }[],
  ): Promise<(StoredRecord | null)[]> {
    const found = await Promise.all(wanted.map(({ place }) => run(readRecord, place, [])));
    return found.map((answer, at) => {
      const [version, body, personal] = answer as [string | null, string | null, string | null];
      const { id, place } = wanted[at] ?? { id: '', place: '' };
      if (version === null || body === null) {
        openDecoy();
        return null;
      }
      const [bodyPlace, personalPlace] = partsOf(place);
      return {
        id,
        version: Number(version),
        body: openOrEmpty(versioned(bodyPlace, version), body),
        personal:
          personal === null ? null : openOrEmpty(versioned(personalPlace, version), personal),
      };
    });
  }

  // An absent record takes as long as a record of another user, which must be opened and read to see whose
  // it is: `npm run bench:foreign-ids`.
  const typical = JSON.stringify(
    Object.fromEntries(Array.from({ length: 24 }, (_, at) => [`field${at}`, 'x'.repeat(20)])),
  );
  const decoy = vault.seal('record', 'decoy', typical);
  function openDecoy(): void {
    for (let part = 0; part < 2; part++) {
      const text = openOrEmpty('decoy', decoy);
      JSON.parse(text);
      JSON.parse(text);
    }
  }

  /**
   * A record that does not open is no miss, and must not fail the others: it becomes '', which the caller
   * cannot parse.
   */
  function openOrEmpty(place: string, text: string): string {
    try {
      return vault.open('record', place, text);
    } catch {
      return '';
    }
  }

  function write(
    place: string,
    versions: readonly [before: number | '', after: number],
    { body, personal }: RecordParts,
    { seconds, personalSeconds }: RecordLife,
  ): Promise<unknown> {
    const [bodyPlace, personalPlace] = partsOf(place);
    // A part without retention left is not written.
    const isKept = personal !== null && personalSeconds > 0;
    return run(writeRecord, place, [
      ...versions,
      vault.seal('record', versioned(bodyPlace, versions[1]), body),
      Math.ceil(seconds * 1000),
      isKept ? vault.seal('record', versioned(personalPlace, versions[1]), personal) : '',
      Math.ceil(personalSeconds * 1000),
    ]);
  }

  return {
    create: async (id, parts, life) => {
      const [place] = recordKeys(id);
      await write(place, ['', 1], parts, life);
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

    replace: async ({ id, version }, parts, life) => {
      for (const place of recordKeys(id)) {
        const done = await write(place, [version, version + 1], parts, life);
        if (done === 1) return { id, version: version + 1, ...parts };
        if (done !== -1) return null;
      }
      return null;
    },

    remove: async (id) => {
      const places = recordKeys(id).flatMap(partsOf);
      await orUnavailable(() => Promise.all(places.map((place) => client.del(place))));
    },
  };
}

/** What a ciphertext is bound to. An old ciphertext of the same record does not open at a newer version. */
function versioned(place: string, version: number | string): string {
  return `${place}#${version}`;
}

/** The keys of both parts. */
function partsOf(place: string): [string, string] {
  return [place, `${place}:personal`];
}
