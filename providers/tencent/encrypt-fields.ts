import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  publicEncrypt,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { createRequire } from 'node:module';
import type * as SmCrypto from 'sm-crypto-v2';

/** The `Encryption` object of a request. */
export interface Encryption {
  readonly EncryptList: readonly string[];
  /** The symmetric key, encrypted with the provider's public key. */
  readonly CiphertextBlob: string;
  readonly Iv: string;
  readonly Algorithm: 'AES-256-CBC' | 'SM4-GCM';
  /** SM4-GCM: the tag of each field, in the order of `EncryptList`. */
  readonly TagList?: readonly string[];
}

/** A public key of the provider, and how to encrypt with it. */
export interface EncryptionKey {
  readonly algorithm: Encryption['Algorithm'];
  readonly keyBytes: number;
  readonly ivBytes: number;
  /** Encrypts the symmetric key with the provider's public key. */
  readonly wrap: (key: Buffer) => Buffer;
  readonly encrypt: (text: string, key: Buffer, iv: Buffer) => Encrypted;
  /** Throws if it cannot be decrypted. */
  readonly decrypt: (given: Encrypted, key: Buffer, iv: Buffer) => string;
}

interface Encrypted {
  readonly ciphertext: Buffer;
  readonly tag?: Buffer;
}

/**
 * Reads the provider's key as its console shows it: base64 of a PEM text, or the PEM itself; RSA or SM2.
 * Null for anything else.
 */
export function readEncryptionKey(text: string): EncryptionKey | null {
  try {
    const pem = text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64').toString('utf8');
    // Node would derive a public key from a private key, which must not be configured here.
    if (pem.includes('PRIVATE KEY')) return null;
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'rsa') return aesWithRsa(key);
    const point = readSm2Point(key);
    return point === null ? null : sm4WithSm2(point);
  } catch {
    return null;
  }
}

/**
 * Encrypts the given fields, each in its own member, under one new key and IV (docs 1007/47180 and the
 * provider's faceid-api-crypto).
 */
export function encryptFields<Field extends string>(
  publicKey: EncryptionKey,
  fields: Readonly<Record<Field, string | undefined>>,
): {
  readonly fields: Partial<Record<Field, string>>;
  readonly encryption: Encryption | undefined;
} {
  const key = randomBytes(publicKey.keyBytes);
  const iv = randomBytes(publicKey.ivBytes);
  const encrypted: Partial<Record<Field, string>> = {};
  const tags: string[] = [];
  const names = (Object.keys(fields) as Field[]).filter((name) => fields[name] !== undefined);
  for (const name of names) {
    const { ciphertext, tag } = publicKey.encrypt(fields[name] ?? '', key, iv);
    encrypted[name] = ciphertext.toString('base64');
    if (tag) tags.push(tag.toString('base64'));
  }
  if (names.length === 0) return { fields: {}, encryption: undefined };
  return {
    fields: encrypted,
    encryption: {
      EncryptList: names,
      CiphertextBlob: publicKey.wrap(key).toString('base64'),
      Iv: iv.toString('base64'),
      Algorithm: publicKey.algorithm,
      ...(tags.length > 0 ? { TagList: tags } : {}),
    },
  };
}

/** The `Encryption` of a response. */
export interface AnswerEncryption {
  /** Paths of the encrypted members: `Response.Text.IdCard`. */
  readonly EncryptList: readonly string[];
  readonly Iv: string | null;
  /** SM4-GCM: the tags, in the order of `EncryptList`. */
  readonly TagList: readonly string[];
}

/** Asks the provider to encrypt the sensitive members of its response, under a new key (docs 1007/47180). */
export function askEncrypted(publicKey: EncryptionKey): {
  readonly encryption: Encryption;
  /** The member at this path in clear. Null if it cannot be decrypted. Members that are not encrypted stay as they are. */
  readonly open: (
    path: string,
    value: string | null,
    given: AnswerEncryption | null,
  ) => string | null;
} {
  const key = randomBytes(publicKey.keyBytes);
  return {
    encryption: {
      EncryptList: [],
      // The comment of the SDK asks for the algorithm only. The official helpers send the key as well.
      CiphertextBlob: publicKey.wrap(key).toString('base64'),
      Iv: '',
      Algorithm: publicKey.algorithm,
    },
    open: (path, value, given) => {
      const at = given?.EncryptList.indexOf(path) ?? -1;
      if (value === null || given === null || at < 0) return value;
      const tag = Buffer.from(given.TagList[at] ?? '', 'base64');
      const ciphertext = Buffer.from(value, 'base64');
      try {
        return publicKey.decrypt({ ciphertext, tag }, key, Buffer.from(given.Iv ?? '', 'base64'));
      } catch {
        return null;
      }
    },
  };
}

/** AES-256-CBC; the key under RSA PKCS#1 v1.5. */
function aesWithRsa(publicKey: KeyObject): EncryptionKey {
  return {
    algorithm: 'AES-256-CBC',
    keyBytes: 32,
    ivBytes: 16,
    wrap: (key) => publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, key),
    encrypt: (text, key, iv) => {
      const cipher = createCipheriv('aes-256-cbc', key, iv);
      return { ciphertext: Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]) };
    },
    decrypt: ({ ciphertext }, key, iv) => {
      const decipher = createDecipheriv('aes-256-cbc', key, iv);
      return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
    },
  };
}

/**
 * SM4-GCM without associated data; the key under SM2, as C1C3C2 with its leading 04.
 *
 * Uses a library: Node's OpenSSL has neither SM4-GCM nor SM2 encryption (24.21, 2026-11-22).
 */
function sm4WithSm2(point: string): EncryptionKey {
  // Loaded only for a key of this kind.
  const { sm2, sm4 } = createRequire(import.meta.url)('sm-crypto-v2') as typeof SmCrypto;
  const c1c3c2 = 1;
  return {
    algorithm: 'SM4-GCM',
    keyBytes: 16,
    ivBytes: 12,
    wrap: (key) => Buffer.from(`04${sm2.doEncrypt(key, point, c1c3c2)}`, 'hex'),
    encrypt: (text, key, iv) => {
      const { output, tag } = sm4.encrypt(Buffer.from(text, 'utf8'), key, {
        mode: 'gcm',
        iv,
        output: 'array',
        outputTag: true,
      });
      if (!tag) throw new Error('SM4-GCM gave no tag');
      return { ciphertext: Buffer.from(output), tag: Buffer.from(tag) };
    },
    decrypt: ({ ciphertext, tag }, key, iv) => {
      const options = { mode: 'gcm', iv, tag: tag ?? Buffer.alloc(0), output: 'array' } as const;
      return Buffer.from(sm4.decrypt(ciphertext, key, options)).toString('utf8');
    },
  };
}

/** The object identifier of the curve SM2 (GM/T 0006), as DER. */
const sm2Curve = Buffer.from('06082a811ccf5501822d', 'hex');
/** 04, x and y. */
const pointBytes = 65;

/** Node can import an SM2 key but reports no type for it. */
function readSm2Point(key: KeyObject): string | null {
  const der = key.export({ type: 'spki', format: 'der' });
  const point = der.subarray(-pointBytes);
  return der.includes(sm2Curve) && point[0] === 4 ? point.toString('hex') : null;
}
