import { createHmac, timingSafeEqual } from 'node:crypto';
import { findCredentials, type TencentCredentials } from './find-credentials.ts';

const clockWindowSeconds = 300;
const hashes: Readonly<Record<string, string>> = { HmacSHA1: 'sha1', HmacSHA256: 'sha256' };

/**
 * The error code for a request's v1 signature, or null if it is valid. The international SDK uses v1 by
 * default: every parameter, sorted by name, unencoded, joined into one text.
 */
export function verifyV1(
  request: {
    readonly method: string;
    readonly host: string;
    readonly params: ReadonlyMap<string, string>;
  },
  allCredentials: readonly TencentCredentials[],
  nowMs: number,
): string | null {
  const { params } = request;
  const hash = hashes[params.get('SignatureMethod') ?? 'HmacSHA1'];
  if (hash === undefined) return 'AuthFailure.InvalidAuthorization';
  const credentials = findCredentials(allCredentials, params.get('SecretId'), params.get('Token'));
  if (typeof credentials === 'string') return credentials;
  const timestamp = params.get('Timestamp') ?? '';
  if (!/^\d{1,11}$/u.test(timestamp)) return 'InvalidParameter';
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > clockWindowSeconds) {
    return 'AuthFailure.SignatureExpire';
  }

  const sorted = [...params]
    .filter(([name]) => name !== 'Signature')
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const given = Buffer.from(params.get('Signature') ?? '', 'base64');
  const matches = [request.host, request.host.replace(/:\d+$/u, '')].some((host) => {
    const expected = createHmac(hash, credentials.secretKey)
      .update(`${request.method}${host}/?${sorted}`)
      .digest();
    return expected.length === given.length && timingSafeEqual(expected, given);
  });
  return matches ? null : 'AuthFailure.SignatureFailure';
}
