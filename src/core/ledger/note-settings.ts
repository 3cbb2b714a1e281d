import type { Secret } from '../../contract/index.ts';
import type { Clock, KeySpace, Storage } from '../core-deps.ts';
import { keyedHash, type NamedKey } from '../records/keyed-hash.ts';

/** The settings of a boot, by name, as keyed hashes of their values. */
interface NotedSettings {
  /** Of the hash key. */
  readonly kid: string;
  readonly version: string;
  readonly hashes: Readonly<Record<string, string>>;
}

/**
 * Tells the ledger which settings differ from those of the last boot, and the version. Replicas with equal settings tell
 * it once. False if other replicas were always faster. Throws `StoreUnavailable`.
 */
export async function noteSettings(
  deps: Clock & KeySpace & Pick<Storage, 'store'>,
  given: Readonly<Record<string, Secret>>,
  version: string,
): Promise<boolean> {
  for (let tries = 0; tries < mostTries; tries++) {
    if (await noteOnce(deps, given, version)) return true;
  }
  return false;
}

const mostTries = 5;

/** False if another replica has noted its settings in between. */
async function noteOnce(
  deps: Clock & KeySpace & Pick<Storage, 'store'>,
  given: Readonly<Record<string, Secret>>,
  version: string,
): Promise<boolean> {
  const { noted } = deps.store.ledger;
  const before = await noted.read();
  const last = before === null ? null : (JSON.parse(before) as NotedSettings);
  // Under the key of the last boot, if it is still listed. Otherwise nothing can be compared.
  const key = deps.hashKeys.find(({ kid }) => kid === last?.kid);
  const changed = last && key ? changedNames(last.hashes, hashAll(key, given)) : Object.keys(given);
  if (last?.version === version && changed.length === 0) return true;
  const [newest] = deps.hashKeys;
  const next: NotedSettings = { kid: newest.kid, version, hashes: hashAll(newest, given) };
  const settings = changed.toSorted().join(' ');
  return noted.replace(before, JSON.stringify(next), [
    { kind: 'settings_changed', atMs: deps.now(), settings, version },
  ]);
}

function hashAll(
  { key }: NamedKey,
  given: Readonly<Record<string, Secret>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      keyedHash(key, 'settings', [name, value.reveal()]),
    ]),
  );
}

function changedNames(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]);
}
