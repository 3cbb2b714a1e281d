import { createPrivateKey } from 'node:crypto';
import { createRequire } from 'node:module';
import type * as SmCrypto from 'sm-crypto-v2';
import { Secret } from '../../src/contract/plugin-api.ts';

/** The private key of a merchant of E证通: 64 hexadecimal characters. */
export type EidKey = Secret;

/** The encrypted part of `EidInfo`. */
export interface SealedPerson {
  /** The session key, encrypted with the public key of the merchant. */
  readonly desKey: string;
  readonly userInfo: string;
}

/** Who was verified, as the register names them. */
export interface EidPerson {
  readonly name: string | null;
  readonly idNumber: string | null;
}

/**
 * Reads the key whose certificate request the merchant gave to the provider's console: PEM, base64 of a PEM, or its 32
 * bytes as hexadecimal text. Null for anything else.
 */
export function readEidKey(text: string): EidKey | null {
  const given = text.trim();
  if (/^[0-9a-f]{64}$/iu.test(given)) return new Secret(given.toLowerCase());
  try {
    const pem = given.includes('-----BEGIN')
      ? given
      : Buffer.from(given, 'base64').toString('utf8');
    // Node reads SM2 keys, but exports them in this form only (24.21, 2026-11-26).
    const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
    const at = der.indexOf(beforeSecret) + beforeSecret.length;
    const isSm2 = der.includes(sm2Curve) && at >= beforeSecret.length;
    return isSm2 ? new Secret(der.subarray(at, at + secretBytes).toString('hex')) : null;
  } catch {
    return null;
  }
}

/**
 * Opens `DesKey` with SM2 and `UserInfo` with SM4-ECB (doc 1007/63370). That page leaves open how the parts of the SM2
 * text are ordered, and how the session key and `UserInfo` are written, so each form is tried: SM2 has a checksum, and
 * only JSON counts. Null if none fits.
 */
export function openEidInfo(key: EidKey, { desKey, userInfo }: SealedPerson): EidPerson | null {
  if (desKey === '' || userInfo === '') return null;
  // Loaded only where it is used.
  const { sm2, sm4 } = createRequire(import.meta.url)('sm-crypto-v2') as typeof SmCrypto;
  const wrapped = Buffer.from(desKey, 'base64').toString('hex');
  // The library wants the point without its leading 04. A point without it may begin with these digits too.
  const points = wrapped.startsWith('04') ? [wrapped.slice(2), wrapped] : [wrapped];
  const forms = sm2Forms.flatMap((form) =>
    (form.asn1 ? [wrapped] : points).map((text) => ({ ...form, text })),
  );
  for (const { order, asn1, text } of forms) {
    const opened = attempt(() =>
      sm2.doDecrypt(text, key.reveal(), order, { output: 'array', asn1 }),
    );
    for (const sessionKey of opened ? keysOf(Buffer.from(opened)) : []) {
      for (const encoding of ['base64', 'hex'] as const) {
        const sealed = Buffer.from(userInfo, encoding);
        const clear = attempt(() =>
          sm4.decrypt(sealed, sessionKey, { mode: 'ecb', padding: 'none', output: 'array' }),
        );
        const person = clear ? toPerson(Buffer.from(clear).toString('utf8')) : null;
        if (person) return person;
      }
    }
  }
  return null;
}

/** The object identifier of the curve SM2 (GM/T 0006), as DER. */
const sm2Curve = Buffer.from('06082a811ccf5501822d', 'hex');
const secretBytes = 32;
/** RFC 5915: the version, then the tag and length of the secret. */
const beforeSecret = Buffer.from('0201010420', 'hex');
const sm4KeyBytes = 16;

const sm2Forms = [
  { order: 1, asn1: false },
  { order: 0, asn1: false },
  { order: 1, asn1: true },
  { order: 0, asn1: true },
] as const;

/** The 16 bytes themselves, or their text. */
function keysOf(opened: Buffer): readonly Buffer[] {
  const text = opened.toString('latin1');
  return [opened, Buffer.from(text, 'hex'), Buffer.from(text, 'base64')].filter(
    ({ length }) => length === sm4KeyBytes,
  );
}

/** `{"name", "idtype", "idnum"}`. Whatever fills the last block comes after it. */
function toPerson(text: string): EidPerson | null {
  const json = text.slice(0, text.lastIndexOf('}') + 1);
  const found = attempt(() => JSON.parse(json) as unknown);
  if (typeof found !== 'object' || found === null) return null;
  const { name, idnum } = found as Readonly<Record<string, unknown>>;
  return { name: textOf(name), idNumber: textOf(idnum) };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
