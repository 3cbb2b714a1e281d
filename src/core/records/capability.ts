import { timingSafeEqual } from 'node:crypto';
import { hmac, type NamedKey } from './keyed-hash.ts';

/** What the holder of a capability URL may do: one thing, with one record, until it expires. */
export interface Capability {
  readonly purpose: keyof typeof purposes;
  readonly recordId: string;
  readonly expiresAtMs: number;
}

const purposes = { return: 1, callback: 2 } as const;

const version = 1;
const macLength = 16;
/** version, purpose, expiry in seconds (6 bytes), length of the locator. */
const headLength = 9;

/**
 * Version, purpose, expiry, record id and MAC, as base64url. It needs no storage, and it can be neither guessed
 * nor changed.
 */
export function sealCapability(keys: readonly NamedKey[], capability: Capability): string {
  const [newest] = keys;
  if (!newest) throw new Error('no capability key');
  const locator = Buffer.from(capability.recordId, 'utf8');
  const head = Buffer.alloc(headLength);
  head.writeUInt8(version, 0);
  head.writeUInt8(purposes[capability.purpose], 1);
  head.writeUIntBE(Math.floor(capability.expiresAtMs / 1000), 2, 6);
  head.writeUInt8(locator.length, 8);
  const payload = Buffer.concat([head, locator]);
  return Buffer.concat([payload, mac(newest, payload)]).toString('base64url');
}

/** Null for a text that was not sealed with one of the keys, is for another purpose, or has expired. */
export function openCapability(
  keys: readonly NamedKey[],
  purpose: Capability['purpose'],
  text: string,
  nowMs: number,
): Capability | null {
  if (text.length > 512 || !/^[\w-]+$/u.test(text)) return null;
  const bytes = Buffer.from(text, 'base64url');
  // Only the canonical encoding is accepted, because decoding skips characters and unused bits.
  if (bytes.length < headLength + macLength || bytes.toString('base64url') !== text) return null;
  const payload = bytes.subarray(0, bytes.length - macLength);
  const given = bytes.subarray(bytes.length - macLength);
  const isOurs = keys.some((key) => timingSafeEqual(mac(key, payload), given));
  // The MAC is verified before any field is read.
  if (!isOurs) return null;
  if (payload.readUInt8(0) !== version || payload.readUInt8(1) !== purposes[purpose]) return null;
  const expiresAtMs = payload.readUIntBE(2, 6) * 1000;
  if (expiresAtMs <= nowMs) return null;
  if (payload.readUInt8(8) !== payload.length - headLength) return null;
  return { purpose, recordId: payload.subarray(headLength).toString('utf8'), expiresAtMs };
}

function mac(key: NamedKey, payload: Buffer): Buffer {
  return hmac(key.key, 'capability', payload).subarray(0, macLength);
}
