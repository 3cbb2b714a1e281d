import {
  constants,
  createCipheriv,
  createPublicKey,
  publicEncrypt,
  randomBytes,
  type KeyObject,
} from 'node:crypto';

/** The `Encryption` object of a request. */
export interface Encryption {
  readonly EncryptList: readonly string[];
  /** The symmetric key, encrypted with the vendor's public key. */
  readonly CiphertextBlob: string;
  readonly Iv: string;
  readonly Algorithm: 'AES-256-CBC';
}

/**
 * The vendor's key as its console gives it: base64 of a PEM text, or the PEM itself. Null for what
 * is not an RSA key; SM2 is still to come.
 */
export function readEncryptionKey(text: string): KeyObject | null {
  try {
    const pem = text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64').toString('utf8');
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === 'rsa' ? key : null;
  } catch {
    return null;
  }
}

/**
 * Encrypts the fields that are there, each in its own place, under one fresh key and IV
 * (AES-256-CBC with RSA PKCS#1 v1.5; docs 1007/47180 and the vendor's faceid-api-crypto).
 */
export function encryptFields<Field extends string>(
  publicKey: KeyObject,
  fields: Readonly<Record<Field, string | undefined>>,
): {
  readonly fields: Partial<Record<Field, string>>;
  readonly encryption: Encryption | undefined;
} {
  const key = randomBytes(32);
  const iv = randomBytes(16);
  const encrypted: Partial<Record<Field, string>> = {};
  const names = (Object.keys(fields) as Field[]).filter((name) => fields[name] !== undefined);
  for (const name of names) {
    const cipher = createCipheriv('aes-256-cbc', key, iv);
    const text = cipher.update(fields[name] ?? '', 'utf8');
    encrypted[name] = Buffer.concat([text, cipher.final()]).toString('base64');
  }
  if (names.length === 0) return { fields: {}, encryption: undefined };
  const blob = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, key);
  return {
    fields: encrypted,
    encryption: {
      EncryptList: names,
      CiphertextBlob: blob.toString('base64'),
      Iv: iv.toString('base64'),
      Algorithm: 'AES-256-CBC',
    },
  };
}
