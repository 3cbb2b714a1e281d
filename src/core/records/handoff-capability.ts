import { timingSafeEqual } from 'node:crypto';
import { hmac, type NamedKey } from './keyed-hash.ts';
import { isRecordId } from './records.ts';

/** Leads to one verification, as long as it was not used: each use counts one up. */
export interface HandoffCapability {
  readonly recordId: string;
  /** How often a person had gone on before it was made. */
  readonly uses: number;
}

const prefix = 'ver_';
const idLength = 16;
/** The id, and the number of uses. */
const payloadLength = idLength + 2;
const macLength = 16;

/**
 * The id, the number and a MAC, as 46 characters. Shorter than other capabilities, because it becomes a QR code. It has no
 * time of its own: the verification says until when it can be begun.
 */
export function sealHandoff(
  [newest]: readonly [NamedKey, ...NamedKey[]],
  { recordId, uses }: HandoffCapability,
): string {
  const payload = Buffer.alloc(payloadLength);
  payload.write(recordId.slice(prefix.length), 'base64url');
  payload.writeUInt16BE(uses, idLength);
  return Buffer.concat([payload, mac(newest, payload)]).toString('base64url');
}

/** Null for a text that was not sealed with one of the keys. */
export function openHandoff(keys: readonly NamedKey[], text: string): HandoffCapability | null {
  const bytes = Buffer.from(text, 'base64url');
  // Only the canonical encoding is accepted, because decoding skips characters and unused bits.
  if (bytes.length !== payloadLength + macLength || bytes.toString('base64url') !== text)
    return null;
  const payload = bytes.subarray(0, payloadLength);
  const given = bytes.subarray(payloadLength);
  if (!keys.some((key) => timingSafeEqual(mac(key, payload), given))) return null;
  const recordId = `${prefix}${payload.subarray(0, idLength).toString('base64url')}`;
  return isRecordId('verification', recordId)
    ? { recordId, uses: payload.readUInt16BE(idLength) }
    : null;
}

function mac(key: NamedKey, payload: Buffer): Buffer {
  return hmac(key.key, 'handoff', payload).subarray(0, macLength);
}
