import { constants, createDecipheriv, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { z } from 'zod';

export interface Decryptor {
  /** As the vendor's console gives it: base64 of the PEM text. */
  readonly publicKey: string;
  /** The parameters in clear, or the error code that they deserve. */
  readonly decrypt: (
    params: Record<string, unknown>,
    encryptable: readonly string[],
  ) => Record<string, unknown> | string;
}

const encryption = z.strictObject({
  EncryptList: z.array(z.string()),
  CiphertextBlob: z.string(),
  Iv: z.string(),
  Algorithm: z.literal('AES-256-CBC').optional(),
  TagList: z.array(z.string()).optional(),
});

/** The emulated provider's key pair, made at start, and what it opens. */
export function createDecryptor(): Decryptor {
  // The vendor's keys have 1024 bits (docs 1007/47180).
  const pair = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const pem = pair.publicKey.export({ type: 'pkcs1', format: 'pem' });
  return {
    publicKey: Buffer.from(pem).toString('base64'),
    decrypt: (params, encryptable) => {
      const { Encryption: given, ...plain } = params;
      if (given === undefined) return params;
      const parsed = encryption.safeParse(given);
      if (!parsed.success) return 'InvalidParameter';
      const { EncryptList: names, CiphertextBlob: blob, Iv: iv } = parsed.data;
      if (!names.every((name) => encryptable.includes(name))) {
        return 'InvalidParameter.UnsupportEncryptField';
      }
      try {
        const raw = privateDecrypt(
          // Node refuses to unpad PKCS#1 v1.5 itself on some versions (CVE-2023-46809).
          { key: pair.privateKey, padding: constants.RSA_NO_PADDING },
          Buffer.from(blob, 'base64'),
        );
        const key = unpad(raw);
        for (const name of names) {
          const decipher = createDecipheriv('aes-256-cbc', key, readIv(iv));
          const text = decipher.update(String(plain[name]), 'base64');
          plain[name] = Buffer.concat([text, decipher.final()]).toString('utf8');
        }
        return plain;
      } catch {
        return 'FailedOperation.DecryptSystemError';
      }
    },
  };
}

/** 00 02, padding without zeros, 00, then the key. */
function unpad(raw: Buffer): Buffer {
  const end = raw.indexOf(0, 2);
  if (raw[0] !== 0 || raw[1] !== 2 || end < 10) throw new Error('wrong padding');
  return raw.subarray(end + 1);
}

/** Sixteen characters are taken as they are: so the fields' older comment has it. */
function readIv(iv: string): Buffer {
  return iv.length === 16 ? Buffer.from(iv, 'utf8') : Buffer.from(iv, 'base64');
}
