import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import type { Secret } from '../contract/index.ts';
import { StoreUnavailable } from '../ports/index.ts';
import { randomBytes } from './random-bytes.ts';

/** Encrypts data that is stored outside of this process. */
export interface Vault {
  readonly seal: (purpose: string, place: string, text: string) => string;
  /** Throws `StoreUnavailable` for a text that was altered, moved or sealed with another key. */
  readonly open: (purpose: string, place: string, sealed: string) => string;
}

interface VaultOptions {
  /** The first key seals. Any of them can open. */
  readonly keys: readonly { readonly kid: string; readonly key: Secret }[];
  /** Sandbox and live data cannot open each other. */
  readonly mode: string;
}

const version = 'v1';
const ivBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM as `v1.kid.data`, where data is IV, tag and ciphertext as base64url. Key id, purpose, mode and
 * storage location are authenticated: a ciphertext that was copied elsewhere does not open.
 */
export function createVault({ keys, mode }: VaultOptions): Vault {
  const [newest] = keys;
  if (!newest) throw new Error('a vault needs a key');
  const cipherKeys = new Map(keys.map(({ kid, key }) => [kid, deriveKey(key)]));
  const dataOf = (kid: string, purpose: string, place: string): Buffer =>
    Buffer.from(JSON.stringify([version, kid, purpose, mode, place]));

  return {
    seal: (purpose, place, text) => {
      const key = cipherKeys.get(newest.kid);
      if (!key) throw new Error('a vault needs a key');
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      cipher.setAAD(dataOf(newest.kid, purpose, place));
      const start = cipher.update(text, 'utf8');
      const end = cipher.final();
      const data = Buffer.concat([iv, cipher.getAuthTag(), start, end]);
      return `${version}.${newest.kid}.${data.toString('base64url')}`;
    },

    open: (purpose, place, sealed) => {
      const [named, kid = '', text = '', ...more] = sealed.split('.');
      const key = named === version && more.length === 0 ? cipherKeys.get(kid) : undefined;
      if (!key) throw new StoreUnavailable();
      try {
        const data = toBytes(text);
        const iv = data.subarray(0, ivBytes);
        const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes });
        decipher.setAAD(dataOf(kid, purpose, place));
        decipher.setAuthTag(data.subarray(ivBytes, ivBytes + tagBytes));
        const clear = decipher.update(data.subarray(ivBytes + tagBytes));
        return Buffer.concat([clear, decipher.final()]).toString('utf8');
      } catch {
        throw new StoreUnavailable();
      }
    },
  };
}

/**
 * Accepts the canonical base64url form only. Throws for other forms, whose last bits are ignored when
 * decoding.
 */
function toBytes(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) throw new StoreUnavailable();
  return bytes;
}

function deriveKey(key: Secret): KeyObject {
  const material = Buffer.from(key.reveal(), 'base64');
  const derived = hkdfSync('sha256', material, '', 'verification-subgraph vault', 32);
  return createSecretKey(Buffer.from(derived));
}
