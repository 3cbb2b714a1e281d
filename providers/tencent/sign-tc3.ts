import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Secret } from '../../src/contract/plugin-api.ts';

export interface Tc3Request {
  /** First label of the public host name: `faceid`. */
  readonly service: string;
  /** Without a port, as the official SDKs sign it. */
  readonly host: string;
  readonly contentType: string;
  /** The exact text that is sent. */
  readonly body: string;
  /** In seconds. */
  readonly timestamp: number;
}

/**
 * The Authorization header of a POST to `/` under TC3-HMAC-SHA256.
 *
 * Source: Tencent Cloud API 3.0, "Signature v3". The result equals the official SDK's byte for byte; a test
 * compares both, and the published vectors.
 */
export function signTc3(request: Tc3Request, secretId: Secret, secretKey: Secret): string {
  // The date must be in UTC: a local date is refused for part of each day.
  const date = new Date(request.timestamp * 1000).toISOString().slice(0, 10);
  const scope = `${date}/${request.service}/tc3_request`;
  const signedHeaders = 'content-type;host';
  const canonicalRequest = [
    'POST',
    '/',
    '',
    `content-type:${request.contentType}`,
    `host:${request.host}`,
    '',
    signedHeaders,
    sha256(request.body),
  ].join('\n');
  const stringToSign = [
    'TC3-HMAC-SHA256',
    String(request.timestamp),
    scope,
    sha256(canonicalRequest),
  ].join('\n');
  const signature = hmac(signingKeyOf(secretKey, date, request.service), stringToSign).toString(
    'hex',
  );
  return `TC3-HMAC-SHA256 Credential=${secretId.reveal()}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

interface SigningKey {
  readonly scope: string;
  readonly key: KeyObject;
}

const signingKeys = new WeakMap<Secret, SigningKey>();

/** Derived once per day and service: that takes longer than the rest of the signature. */
function signingKeyOf(secretKey: Secret, date: string, service: string): KeyObject {
  const scope = `${date}/${service}`;
  const known = signingKeys.get(secretKey);
  if (known?.scope === scope) return known.key;
  const dateKey = hmac(`TC3${secretKey.reveal()}`, date);
  const key = createSecretKey(hmac(hmac(dateKey, service), 'tc3_request'));
  signingKeys.set(secretKey, { scope, key });
  return key;
}

function hmac(key: string | Buffer | KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
