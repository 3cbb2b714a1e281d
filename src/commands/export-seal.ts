import { settings } from '../boot/settings.ts';
import { keyedHash, type NamedKey } from '../core/records/keyed-hash.ts';
import { wrongUsage } from './command-error.ts';

type Texts = Readonly<Record<string, string>>;

/** Proves the last line of an export, which the chain does not: a keyed hash of it, with the name of its key. */
export function sealOf({ kid, key }: NamedKey, end: Texts): string {
  return `${kid}.${keyedHash(key, 'export', contentOf(end))}`;
}

export function isSealOf(keys: readonly NamedKey[], end: Texts): boolean {
  return keys.some((key) => sealOf(key, end) === end['seal']);
}

/** The keys of `STORE_HASH_KEYS`; null if it is not set. Throws `CommandError`. */
export function readSealKeys(
  env: Readonly<Record<string, string | undefined>>,
): readonly NamedKey[] | null {
  const given = env['STORE_HASH_KEYS'];
  if (!given) return null;
  const { data, error } = settings.STORE_HASH_KEYS.type.safeParse(given);
  if (error || !data) throw wrongUsage('STORE_HASH_KEYS cannot be read');
  return data;
}

/** In one order, and without what CSV leaves out. */
function contentOf({ seal: _seal, ...content }: Texts): readonly string[] {
  const told = Object.entries(content).filter(([, text]) => text !== '');
  return told.toSorted(([a], [b]) => (a < b ? -1 : 1)).flat();
}
