import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload } from 'jose';
import { scopes, Unauthenticated, type Caller, type Scope } from '../core/callers/caller.ts';

export interface JwtRules {
  readonly jwksUrl: string;
  readonly issuer: string;
  /** One of them has to be in the token. */
  readonly audiences: readonly string[];
  readonly claims: JwtClaims;
}

/** Names of the claims that say who calls. */
export interface JwtClaims {
  readonly tenant: string;
  readonly user: string;
  readonly scopes: string;
}

/** The keys cannot be had just now: that says nothing about the caller. */
export class IdentityUnavailable extends Error {
  override readonly name = 'IdentityUnavailable';

  constructor() {
    super('the keys of the identity provider cannot be had');
  }
}

/** Signatures that only the identity provider can make; none with a shared secret, and not "none". */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];
/** Clocks differ. */
const clockToleranceSeconds = 30;
/** A key that was withdrawn counts no longer than this. */
const keysKeptMs = 600_000;
/** Unknown key ids make nobody ask more often than this. */
const keysCooldownMs = 30_000;
const keysTimeoutMs = 2000;
/** After the keys could not be had. */
const failureCooldownMs = 1000;
const mostKeyBytes = 1024 * 1024;
const longestToken = 8192;
const longestName = 255;

/** Reads callers' tokens. Throws `Unauthenticated` and `IdentityUnavailable`. */
export function createJwtReader(
  { jwksUrl, issuer, audiences, claims }: JwtRules,
  now: () => number,
): (token: string) => Promise<Caller> {
  let failedMs = -Infinity;
  const fetchKeys: typeof fetch = async (...given) => {
    if (now() - failedMs < failureCooldownMs) throw new IdentityUnavailable();
    try {
      return new Response(await readKeySet(await fetch(...given)));
    } catch {
      failedMs = now();
      throw new IdentityUnavailable();
    }
  };
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    [customFetch]: fetchKeys,
    cacheMaxAge: keysKeptMs,
    cooldownDuration: keysCooldownMs,
    timeoutDuration: keysTimeoutMs,
  });

  return async (token) => {
    if (token.length > longestToken) throw new Unauthenticated();
    const { payload } = await jwtVerify(token, keys, {
      ...{ algorithms, issuer, audience: [...audiences] },
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(now()),
      requiredClaims: ['exp'],
    }).catch((error: unknown) => {
      throw isAboutToken(error) ? new Unauthenticated() : new IdentityUnavailable();
    });
    return {
      tenantId: readName(payload, claims.tenant),
      userId: readName(payload, claims.user),
      scopes: new Set(scopesOf(payload[claims.scopes])),
    };
  };
}

/** The text of a key set; throws for whatever else was answered, and for one without end. */
async function readKeySet(response: Response): Promise<string> {
  if (response.status !== 200 || !response.body) throw new IdentityUnavailable();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.length;
    if (bytes > mostKeyBytes) throw new IdentityUnavailable();
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  const { keys } = JSON.parse(text) as { readonly keys?: unknown };
  if (!Array.isArray(keys)) throw new IdentityUnavailable();
  return text;
}

/** Everything else is about getting the keys. */
function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  );
}

/** Never cut, and never made of something else: two people must not become one. */
function readName(payload: JWTPayload, claim: string): string {
  const value = payload[claim];
  const isName = typeof value === 'string' && value !== '' && value.length <= longestName;
  if (!isName) throw new Unauthenticated();
  return value;
}

/** One text with blanks (RFC 8693), or a list. Compared whole: a scope may hold commas. */
function scopesOf(claim: unknown): readonly Scope[] {
  const asked: readonly unknown[] = typeof claim === 'string' ? claim.split(' ') : asList(claim);
  return scopes.filter((scope) => asked.includes(scope));
}

function asList(claim: unknown): readonly unknown[] {
  return Array.isArray(claim) ? claim : [];
}
