import { LRUCache } from 'lru-cache';
import type { RecordLife, RecordParts, RecordStore, StoredRecord } from '../../ports/index.ts';
import type { Vault } from '../vault.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';
import { appendLua, type RedisLedger } from './redis-ledger.ts';
import { createScript } from './script.ts';

// A record is two strings, body and personal part, each `<version> <ciphertext>`, so that each has its own
// expiry. The braces in their names put both keys into one slot.

/**
 * ARGV: expected version, version, body, its retention in ms, personal part (or ''), its retention; entries of the
 * ledger, whose stream is a third key, except in a cluster.
 */
const replaceRecord = createScript(`${appendLua}
local version = string.match(redis.call('GETRANGE', KEYS[1], 0, 15), '^%d+')
if not version then return -1 end
if version ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[3], 'PX', ARGV[4])
if ARGV[5] == '' then
  redis.call('DEL', KEYS[2])
else
  redis.call('SET', KEYS[2], ARGV[2] .. ' ' .. ARGV[5], 'PX', ARGV[6])
end
if KEYS[3] then append(KEYS[3], 7) end
return 1
`);

/** How many ids have their keys remembered. */
const mostKnown = 5000;
/** How many records are read with one command: a longer one would hold up the other clients of Redis. */
const mostAtOnce = 100;

/** Records under keyed hashes of their ids, as ciphertext, each with an expiry. */
export function redisRecords({
  client,
  vault,
  namesOf,
  mode,
  ledger,
}: {
  readonly client: RedisClient;
  readonly vault: Vault;
  readonly namesOf: (id: string) => readonly [string, ...string[]];
  readonly mode: string;
  readonly ledger: Pick<RedisLedger, 'beside'>;
}): RecordStore {
  const known = new LRUCache<string, readonly [string, ...string[]]>({ max: mostKnown });
  /** Remembered, since each step of a request needs the keys of the same records again. */
  const recordKeys = (id: string): readonly [string, ...string[]] => {
    const keys = known.get(id);
    if (keys) return keys;
    const [newest, ...others] = namesOf(id);
    const toKey = (name: string): string => `vs:${mode}:record:{${name}}`;
    const made: readonly [string, ...string[]] = [toKey(newest), ...others.map(toKey)];
    known.set(id, made);
    return made;
  };
  const generations = namesOf('').length;

  /**
   * MGET is atomic, so both parts of a record have the same version, and a personal part that was redacted does
   * not come back with a body. In a cluster each record has a command of its own, for its slot.
   */
  async function readAll(
    wanted: readonly { readonly id: string; readonly place: string }[],
  ): Promise<(StoredRecord | null)[]> {
    const found = await Promise.all(
      inGroups(wanted, client.isCluster ? 1 : mostAtOnce).map(async (group) => {
        const texts = await orUnavailable(() =>
          client.mget(...group.flatMap(({ place }) => partsOf(place))),
        );
        return group.map((each, at) => open(each, texts[2 * at], texts[2 * at + 1]));
      }),
    );
    return found.flat();
  }

  function open(
    { id, place }: { readonly id: string; readonly place: string },
    bodyText: string | null | undefined,
    personalText: string | null | undefined,
  ): StoredRecord | null {
    const body = bodyText ? splitVersion(bodyText) : null;
    if (!body) {
      openDecoy();
      return null;
    }
    const personal = personalText ? splitVersion(personalText) : null;
    const [bodyPlace, personalPlace] = partsOf(place);
    // Opened when they are first read: some readers need the version only.
    let clearBody: string | null = null;
    let clearPersonal: string | null = null;
    return {
      id,
      version: Number(body.version),
      mark: `${place} ${bodyText} ${personalText ?? ''}`,
      get body() {
        clearBody ??= openOrEmpty(versioned(bodyPlace, body.version), body.sealed);
        return clearBody;
      },
      get personal() {
        if (!personal) return null;
        // Both parts are written together. A personal part of another version was put back and is rejected.
        clearPersonal ??= openOrEmpty(versioned(personalPlace, body.version), personal.sealed);
        return clearPersonal;
      },
    };
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

  interface Sealed {
    readonly body: string;
    readonly bodyMs: number;
    /** Null if there is none, or if it has no retention left. */
    readonly personal: string | null;
    readonly personalMs: number;
  }

  function seal(
    place: string,
    version: number,
    { body, personal }: RecordParts,
    { seconds, personalSeconds }: RecordLife,
  ): Sealed {
    const [bodyPlace, personalPlace] = partsOf(place);
    const isKept = personal !== null && personalSeconds > 0;
    return {
      body: vault.seal('record', versioned(bodyPlace, version), body),
      bodyMs: Math.ceil(seconds * 1000),
      personal: isKept ? vault.seal('record', versioned(personalPlace, version), personal) : null,
      personalMs: Math.ceil(personalSeconds * 1000),
    };
  }

  return {
    // Without a script: nobody else knows a new id, so there is nothing to compare. The personal part is sent first, so
    // that whoever sees the record can also redact it.
    create: async (id, parts, life) => {
      const [place] = recordKeys(id);
      const [bodyPlace, personalPlace] = partsOf(place);
      const { body, bodyMs, personal, personalMs } = seal(place, 1, parts, life);
      await orUnavailable(() =>
        Promise.all([
          personal === null ? null : client.set(personalPlace, `1 ${personal}`, 'PX', personalMs),
          client.set(bodyPlace, `1 ${body}`, 'PX', bodyMs),
        ]),
      );
      return { id, version: 1, ...parts };
    },

    get: async (ids) => {
      const unique = [...new Set(ids)];
      const found = new Map<string, StoredRecord>();
      for (let generation = 0; generation < generations; generation++) {
        const missing = unique.filter((id) => !found.has(id));
        const wanted = missing.map((id) => ({ id, place: recordKeys(id)[generation] ?? '' }));
        for (const record of await readAll(wanted)) if (record) found.set(record.id, record);
      }
      return ids.map((id) => found.get(id) ?? null);
    },

    replace: ({ id, version }, parts, life, entries = []) =>
      ledger.beside(
        entries,
        async ({ keys, args }) => {
          for (const place of recordKeys(id)) {
            const { body, bodyMs, personal, personalMs } = seal(place, version + 1, parts, life);
            const own = [version, version + 1, body, bodyMs, personal ?? '', personalMs];
            const done = await orUnavailable(() =>
              replaceRecord.run(client, [...partsOf(place), ...keys], [...own, ...args]),
            );
            if (done === 1) return { id, version: version + 1, ...parts };
            if (done !== -1) return null;
          }
          return null;
        },
        (written) => written !== null,
      ),

    remove: async (id) => {
      const places = recordKeys(id).flatMap(partsOf);
      await orUnavailable(() => Promise.all(places.map((place) => client.del(place))));
    },
  };
}

function splitVersion(text: string): { readonly version: string; readonly sealed: string } {
  const end = text.indexOf(' ');
  return { version: text.slice(0, end), sealed: text.slice(end + 1) };
}

function inGroups<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) =>
    all.slice(at * size, (at + 1) * size),
  );
}

/** What a ciphertext is bound to. An old ciphertext of the same record does not open at a newer version. */
function versioned(place: string, version: number | string): string {
  return `${place}#${version}`;
}

/** The keys of both parts. */
function partsOf(place: string): [string, string] {
  return [place, `${place}:personal`];
}
