import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { Secret } from '../../contract/index.ts';

/** A key of a list that is rotated. The first key of the list is used for writing. */
export interface NamedKey {
  readonly kid: string;
  readonly key: Secret;
}

/** HMAC-SHA-256 over the parts as JSON, so that ['ab', 'c'] and ['a', 'bc'] differ, as base64url. */
export function keyedHash(key: Secret, purpose: string, parts: readonly string[]): string {
  return hmac(key, purpose, JSON.stringify(parts)).toString('base64url');
}

/**
 * Hashes under each listed key, in the order of the kids. Counters, locks and cache entries exist under every
 * listed key. So replicas with the old list and replicas with the new list share at least one of them.
 */
export function keyedHashes(
  keys: readonly [NamedKey, ...NamedKey[]],
  purpose: string,
  parts: readonly string[],
): readonly [string, ...string[]] {
  const [first, ...others] = keys
    .toSorted((a, b) => (a.kid < b.kid ? -1 : 1))
    .map(({ key }) => keyedHash(key, purpose, parts));
  if (first === undefined) throw new Error('no hash key');
  return [first, ...others];
}

/** One value for each key, in the order of the keys. */
export function underEach<T>(
  [newest, ...others]: readonly [NamedKey, ...NamedKey[]],
  toValue: (key: NamedKey) => T,
): readonly [T, ...T[]] {
  return [toValue(newest), ...others.map(toValue)];
}

export function hmac(key: Secret, purpose: string, text: string | Buffer): Buffer {
  return createHmac('sha256', deriveKey(key, purpose)).update(text).digest();
}

const derived = new WeakMap<Secret, Map<string, KeyObject>>();

/** Derives one key per purpose, so that a hash made for one purpose is never valid for another. */
function deriveKey(key: Secret, purpose: string): KeyObject {
  const byPurpose = derived.get(key) ?? new Map<string, KeyObject>();
  derived.set(key, byPurpose);
  const known = byPurpose.get(purpose);
  if (known) return known;
  const material = Buffer.from(key.reveal(), 'base64');
  const info = `verification-subgraph ${purpose}`;
  // A `KeyObject`, because an HMAC takes ten times as long with the key as bytes (Node 24.21, 2026-11-25).
  const made = createSecretKey(Buffer.from(hkdfSync('sha256', material, '', info, 32)));
  byPurpose.set(purpose, made);
  return made;
}
