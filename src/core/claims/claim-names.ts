import type { Caller } from '../callers/caller.ts';
import { modeOf, type KeySpace } from '../core-deps.ts';
import { keyedHash } from '../records/keyed-hash.ts';

/** The format of the fingerprint. Fingerprints of different formats must never compare equal. */
const fingerprintVersion = '1';

/** The key of a claim and the fingerprint of its input, under one hash key. */
export interface ClaimName {
  readonly key: string;
  readonly fingerprint: string;
}

/** One for each listed hash key, ordered by kid, so that every replica has the same order. */
export type ClaimNames = readonly [ClaimName, ...ClaimName[]];

/** Key and fingerprint are keyed hashes. ID numbers are so few that a plain hash could be reversed. */
export function claimNames(
  deps: KeySpace,
  caller: Caller,
  operation: string,
  input: { readonly idempotencyKey: string },
): { readonly names: ClaimNames } {
  const { idempotencyKey, ...fields } = input;
  const owner = [modeOf(deps), caller.tenantId, caller.userId, operation];
  const canonical = canonicalJson(fields);
  const [first, ...others] = deps.hashKeys
    .toSorted((a, b) => (a.kid < b.kid ? -1 : 1))
    .map(({ key }) => ({
      key: keyedHash(key, 'claim', [...owner, idempotencyKey]),
      fingerprint: keyedHash(key, 'fingerprint', [fingerprintVersion, canonical]),
    }));
  if (!first) throw new Error('no hash key');
  return { names: [first, ...others] };
}

/** JSON with sorted keys, in which a field that is null counts as absent. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value)
    .filter(([, member]) => member !== null && member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
