import type { TencentCredentials } from './find-credentials.ts';
import { verifyTc3, type SignedRequest } from './verify-tc3.ts';
import { verifyV1 } from './verify-v1.ts';

/** A call with a valid signature. */
export interface SignedCall {
  readonly signature: 'v1' | 'tc3';
  readonly name: string;
  readonly version: string | undefined;
  readonly region: string | undefined;
  readonly params: Record<string, unknown>;
}

/** Common parameters of every v1 call, in addition to those of the action. */
const commonParams: ReadonlySet<string> = new Set([
  ...['Action', 'Version', 'Region', 'Nonce', 'Timestamp', 'SecretId', 'Token', 'Language'],
  ...['RequestClient', 'Signature', 'SignatureMethod'],
]);

/**
 * Verifies a request before it is read: TC3-HMAC-SHA256 with headers, or v1 with all parameters in a form
 * or a query. Returns an error code if the request is refused.
 */
export function readSignedCall(
  request: SignedRequest,
  credentials: readonly TencentCredentials[],
  nowMs: number,
): SignedCall | string {
  const { method, headers, query, body } = request;
  const flat = new Map(new URLSearchParams(method === 'GET' ? query : body.toString('utf8')));
  if (headers['authorization'] === undefined && flat.has('Signature')) {
    const refused = verifyV1(
      { method, host: headers['host'] ?? '', params: flat },
      credentials,
      nowMs,
    );
    if (refused !== null) return refused;
    return {
      signature: 'v1',
      name: flat.get('Action') ?? '',
      version: flat.get('Version'),
      region: flat.get('Region'),
      params: toParams([...flat].filter(([name]) => !commonParams.has(name))),
    };
  }
  const refused = verifyTc3(request, credentials, nowMs);
  if (refused !== null) return refused;
  const params = method === 'GET' ? toParams(flat) : readJson(body);
  if (!params) return 'InvalidParameter';
  return {
    signature: 'tc3',
    name: headers['x-tc-action'] ?? '',
    version: headers['x-tc-version'],
    region: headers['x-tc-region'],
    params,
  };
}

function readJson(body: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

const numericParams: ReadonlySet<string> = new Set([
  ...['CertType', 'Speed', 'BestFramesCount', 'CheckMode', 'SecurityLevel', 'AutoDowngrade'],
  ...['LivenessRetryLimit', 'LivenessTimeout'],
]);

/**
 * A query or a form has every value as text. Nested members are separated by dots: `Config.InputType=4`.
 */
function toParams(flat: Iterable<readonly [string, string]>): Record<string, unknown> {
  // Without a prototype, because a parameter may be named __proto__.
  const params = emptyObject();
  for (const [path, value] of flat) {
    const names = path.split('.');
    const last = names.pop() ?? path;
    let target = params;
    for (const name of names) {
      target[name] = typeof target[name] === 'object' ? target[name] : emptyObject();
      target = target[name] as Record<string, unknown>;
    }
    // A real endpoint parses numbers and booleans by the type of their parameter. For the emulated actions,
    // the value and the name are enough to tell.
    target[last] = /^(?:true|false)$/u.test(value)
      ? value === 'true'
      : numericParams.has(last)
        ? Number(value)
        : value;
  }
  return listsOf(params) as Record<string, unknown>;
}

/** List items are named by position: `Config.IntentionActions.0.Text`. */
function listsOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, member]) => [name, listsOf(member)] as const);
  const isList = entries.length > 0 && entries.every(([name], at) => name === String(at));
  return isList
    ? entries.map(([, member]) => member)
    : Object.assign(emptyObject(), Object.fromEntries(entries));
}

function emptyObject(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}
