import { createHmac, hkdfSync } from 'node:crypto';
import type { Secret } from '../contract/index.ts';

/** A key of a rotating list; the first one of the list is used for writing. */
export interface NamedKey {
  readonly kid: string;
  readonly key: Secret;
}

/** HMAC-SHA-256 over parts that cannot be shifted into one another, as base64url. */
export function keyedHash(key: Secret, purpose: string, parts: readonly string[]): string {
  return hmac(key, purpose, JSON.stringify(parts)).toString('base64url');
}

export function hmac(key: Secret, purpose: string, text: string | Buffer): Buffer {
  return createHmac('sha256', deriveKey(key, purpose)).update(text).digest();
}

/** One key per purpose, so that a value made for one can never serve another. */
function deriveKey(key: Secret, purpose: string): Buffer {
  const material = Buffer.from(key.reveal(), 'base64');
  return Buffer.from(hkdfSync('sha256', material, '', `verification-subgraph ${purpose}`, 32));
}
