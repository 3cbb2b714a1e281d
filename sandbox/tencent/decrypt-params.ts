import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  generateKeyPairSync,
  privateDecrypt,
  randomBytes,
} from 'node:crypto';
import { sm2, sm4 } from 'sm-crypto-v2';
import { z } from 'zod';

type Algorithm = 'AES-256-CBC' | 'SM4-GCM';

export interface Decryptor {
  /** By algorithm, as the provider's console shows them: base64 of the PEM text. */
  readonly publicKeys: Readonly<Record<Algorithm, string>>;
  /** The decrypted parameters, or an error code. */
  readonly decrypt: (
    params: Record<string, unknown>,
    encryptable: readonly string[],
  ) => Record<string, unknown> | string;
  /** A response with these members encrypted, under the key of the request. */
  readonly encryptAnswer: (
    params: Record<string, unknown>,
    answer: Record<string, unknown>,
    members: readonly string[],
  ) => Record<string, unknown>;
}

const encryption = z.strictObject({
  EncryptList: z.array(z.string()),
  CiphertextBlob: z.string(),
  // Absent or empty if only the response is to be encrypted.
  Iv: z.string().nullish(),
  Algorithm: z.enum(['AES-256-CBC', 'SM4-GCM']).default('AES-256-CBC'),
  TagList: z.array(z.string()).default([]),
});

/** Decrypts values of one encryption algorithm. */
interface Opener {
  readonly publicKey: string;
  /** Decrypts the symmetric key in CiphertextBlob. */
  readonly unwrap: (blob: Buffer) => Buffer;
  readonly open: (value: Buffer, key: Buffer, iv: string, tag: Buffer) => Buffer;
  readonly ivBytes: number;
  readonly seal: (text: string, key: Buffer, iv: Buffer) => { value: Buffer; tag?: Buffer };
}

/** The key pairs of the emulated provider, made at start, and their decryption. */
export function createDecryptor(): Decryptor {
  const openers: Readonly<Record<Algorithm, Opener>> = {
    'AES-256-CBC': createRsaOpener(),
    'SM4-GCM': createSm2Opener(),
  };
  return {
    publicKeys: {
      'AES-256-CBC': openers['AES-256-CBC'].publicKey,
      'SM4-GCM': openers['SM4-GCM'].publicKey,
    },
    decrypt: (params, encryptable) => {
      const { Encryption: given, ...plain } = params;
      if (given === undefined) return params;
      const parsed = encryption.safeParse(given);
      if (!parsed.success) return 'InvalidParameter';
      const { EncryptList: names, CiphertextBlob: blob, Iv: iv, TagList: tags } = parsed.data;
      if (!names.every((name) => encryptable.includes(name))) {
        return 'InvalidParameter.UnsupportEncryptField';
      }
      const opener = openers[parsed.data.Algorithm];
      try {
        const key = opener.unwrap(Buffer.from(blob, 'base64'));
        for (const [at, name] of names.entries()) {
          const value = Buffer.from(String(plain[name]), 'base64');
          const tag = Buffer.from(tags[at] ?? '', 'base64');
          plain[name] = opener.open(value, key, iv ?? '', tag).toString('utf8');
        }
        return plain;
      } catch {
        return 'FailedOperation.DecryptSystemError';
      }
    },
    encryptAnswer: ({ Encryption: given, IsEncryptResponse: isWhole }, answer, members) => {
      const parsed = encryption.safeParse(given);
      if (!parsed.success) return answer;
      const { Algorithm: algorithm, CiphertextBlob: blob } = parsed.data;
      const opener = openers[algorithm];
      const key = opener.unwrap(Buffer.from(blob, 'base64'));
      const iv = randomBytes(opener.ivBytes);
      const tags: string[] = [];
      const seal = (text: string): string => {
        const { value, tag } = opener.seal(text, key, iv);
        if (tag) tags.push(tag.toString('base64'));
        return value.toString('base64');
      };
      const names = isWhole === true ? [] : members.filter((path) => textAt(answer, path) !== null);
      const sealed =
        isWhole === true
          ? { EncryptedBody: seal(JSON.stringify(answer)) }
          : names.reduce(
              (open, path) => withText(open, path, seal(textAt(open, path) ?? '')),
              answer,
            );
      return {
        ...sealed,
        Encryption: {
          EncryptList:
            isWhole === true ? ['EncryptedBody'] : names.map((name) => `Response.${name}`),
          CiphertextBlob: blob,
          Iv: iv.toString('base64'),
          Algorithm: algorithm,
          TagList: tags,
        },
      };
    },
  };
}

/** The member at a path such as `Text.Name`; null if there is none. */
function textAt(answer: Record<string, unknown>, path: string): string | null {
  const value = path
    .split('.')
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | null)?.[name], answer);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

function withText(
  answer: Record<string, unknown>,
  path: string,
  text: string,
): Record<string, unknown> {
  const [name = '', ...rest] = path.split('.');
  const inner = (answer[name] ?? {}) as Record<string, unknown>;
  return { ...answer, [name]: rest.length === 0 ? text : withText(inner, rest.join('.'), text) };
}

/** The algorithm for a key as the console shows it. */
export function algorithmOf(publicKey: string): Algorithm {
  const pem = publicKey.includes('-----BEGIN')
    ? publicKey
    : Buffer.from(publicKey, 'base64').toString('utf8');
  return createPublicKey(pem).asymmetricKeyType === 'rsa' ? 'AES-256-CBC' : 'SM4-GCM';
}

function createRsaOpener(): Opener {
  // The provider's keys have 1024 bits (docs 1007/47180).
  const pair = generateKeyPairSync('rsa', { modulusLength: 1024 });
  return {
    publicKey: toSetting(pair.publicKey.export({ type: 'pkcs1', format: 'pem' })),
    unwrap: (blob) => {
      // Some versions of Node refuse to unpad PKCS#1 v1.5 themselves (CVE-2023-46809).
      const padding = constants.RSA_NO_PADDING;
      return unpad(privateDecrypt({ key: pair.privateKey, padding }, blob));
    },
    open: (value, key, iv) => {
      const decipher = createDecipheriv('aes-256-cbc', key, readIv(iv));
      return Buffer.concat([decipher.update(value), decipher.final()]);
    },
    ivBytes: 16,
    seal: (text, key, iv) => {
      const cipher = createCipheriv('aes-256-cbc', key, iv);
      return { value: Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]) };
    },
  };
}

function createSm2Opener(): Opener {
  const pair = generateKeyPairSync('ec', { namedCurve: 'SM2' });
  // RFC 5915: a sequence, the version, then 32 bytes after their tag and length.
  const secret = pair.privateKey.export({ type: 'sec1', format: 'der' }).subarray(7, 39);
  const c1c3c2 = 1;
  return {
    publicKey: toSetting(pair.publicKey.export({ type: 'spki', format: 'pem' })),
    unwrap: (blob) => {
      if (blob[0] !== 4) throw new Error('no point');
      const wrapped = blob.subarray(1).toString('hex');
      const key = sm2.doDecrypt(wrapped, secret.toString('hex'), c1c3c2, { output: 'array' });
      if (key.length !== 16) throw new Error('not opened');
      return Buffer.from(key);
    },
    open: (value, key, iv, tag) =>
      Buffer.from(
        sm4.decrypt(value, key, {
          mode: 'gcm',
          iv: Buffer.from(iv, 'base64'),
          tag,
          output: 'array',
        }),
      ),
    ivBytes: 12,
    seal: (text, key, iv) => {
      const options = { mode: 'gcm', iv, output: 'array', outputTag: true } as const;
      const { output, tag } = sm4.encrypt(Buffer.from(text, 'utf8'), key, options);
      return { value: Buffer.from(output), tag: Buffer.from(tag ?? []) };
    },
  };
}

function toSetting(pem: string | Buffer): string {
  return Buffer.from(pem).toString('base64');
}

/** 00 02, padding without zeros, 00, then the key. */
function unpad(raw: Buffer): Buffer {
  const end = raw.indexOf(0, 2);
  if (raw[0] !== 0 || raw[1] !== 2 || end < 10) throw new Error('wrong padding');
  return raw.subarray(end + 1);
}

/** Sixteen characters are used unchanged, as the fields' older comment in the SDK says. */
function readIv(iv: string): Buffer {
  return iv.length === 16 ? Buffer.from(iv, 'utf8') : Buffer.from(iv, 'base64');
}
