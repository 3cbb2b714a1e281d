import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import type { Secret } from '../contract/index.ts';
import { StoreUnavailable } from '../ports/index.ts';

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
const sealedForm = new RegExp(
  `^${version}\\.([^.]+)\\.([\\w-]{16})\\.([\\w-]*)\\.([\\w-]{22})$`,
  'u',
);

/**
 * AES-256-GCM as `v1.kid.iv.ciphertext.tag`. Key id, purpose, mode and storage location are authenticated:
 * a ciphertext that was copied elsewhere does not open.
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
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      const parts = [iv, sealed, cipher.getAuthTag()].map((part) => part.toString('base64url'));
      return [version, newest.kid, ...parts].join('.');
    },

    open: (purpose, place, sealed) => {
      // The whole text must match: a decoder would silently ignore trailing data and invalid characters.
      const [, kid = '', iv = '', text = '', tag = ''] = sealedForm.exec(sealed) ?? [];
      const key = cipherKeys.get(kid);
      if (!key) throw new StoreUnavailable();
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, toBytes(iv), { authTagLength: 16 });
        decipher.setAAD(dataOf(kid, purpose, place));
        decipher.setAuthTag(toBytes(tag));
        const clear = decipher.update(toBytes(text));
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
