import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { findCredentials, type TencentCredentials } from './find-credentials.ts';

export interface SignedRequest {
  readonly method: string;
  /** Without the question mark, exactly as received. */
  readonly query: string;
  /** Header names are in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

const clockWindowSeconds = 300;

/**
 * The error code for a request's TC3-HMAC-SHA256 signature, or null if it is valid.
 *
 * Written from the same document as the plugin's signing code but independently, so that one checks the
 * other. The canonical headers are built from SignedHeaders, because clients sign different sets. Official
 * SDKs sign the host without its port although they send it, so both are tried.
 */
export function verifyTc3(
  request: SignedRequest,
  allCredentials: readonly TencentCredentials[],
  nowMs: number,
): string | null {
  const authorization = request.headers['authorization'] ?? '';
  const parts =
    /^TC3-HMAC-SHA256 Credential=([^/]+)\/(\d{4}-\d{2}-\d{2})\/([\w.-]+)\/tc3_request, ?SignedHeaders=([\w;-]+), ?Signature=([0-9a-f]{64})$/u.exec(
      authorization,
    );
  if (!parts) return 'AuthFailure.InvalidAuthorization';
  const [, secretId = '', date = '', service = '', signedHeaders = '', signature = ''] = parts;
  const credentials = findCredentials(allCredentials, secretId, request.headers['x-tc-token']);
  if (typeof credentials === 'string') return credentials;

  const timestamp = Number(request.headers['x-tc-timestamp']);
  if (!/^\d{1,11}$/u.test(request.headers['x-tc-timestamp'] ?? '')) return 'InvalidParameter';
  const isStale = Math.abs(nowMs / 1000 - timestamp) > clockWindowSeconds;
  const utcDate = new Date(timestamp * 1000).toISOString().slice(0, 10);
  if (isStale || utcDate !== date) return 'AuthFailure.SignatureExpire';

  const names = signedHeaders.split(';');
  if (!names.includes('content-type') || !names.includes('host')) {
    return 'AuthFailure.SignatureFailure';
  }
  const matches = hostVariants(request.headers['host'] ?? '').some((host) => {
    const canonicalHeaders = names
      .map((name) => {
        const value = name === 'host' ? host : (request.headers[name] ?? '');
        return `${name}:${value.trim().toLowerCase()}\n`;
      })
      .join('');
    const canonicalRequest = [
      request.method,
      '/',
      request.query,
      canonicalHeaders,
      signedHeaders,
      createHash('sha256').update(request.body).digest('hex'),
    ].join('\n');
    const hashed = createHash('sha256').update(canonicalRequest).digest('hex');
    const scope = `${date}/${service}/tc3_request`;
    const text = `TC3-HMAC-SHA256\n${timestamp}\n${scope}\n${hashed}`;
    const keys = [date, service, 'tc3_request'];
    const signingKey = keys.reduce<string | Buffer>(mac, `TC3${credentials.secretKey}`);
    return timingSafeEqual(mac(signingKey, text), Buffer.from(signature, 'hex'));
  });
  return matches ? null : 'AuthFailure.SignatureFailure';
}

function hostVariants(host: string): string[] {
  return [host, host.replace(/:\d+$/u, '')];
}

function mac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
