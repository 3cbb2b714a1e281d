import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload } from 'jose';
import { scopes, Unauthenticated, type Caller, type Scope } from '../core/callers/caller.ts';

export interface JwtRules {
  readonly jwksUrl: string;
  readonly issuer: string;
  /** The token must contain one of them. */
  readonly audiences: readonly string[];
  readonly claims: JwtClaims;
}

/** Names of the claims that identify the caller. */
export interface JwtClaims {
  readonly tenant: string;
  readonly user: string;
  readonly scopes: string;
}

/** The key set could not be fetched. This says nothing about the caller. */
export class IdentityUnavailable extends Error {
  override readonly name = 'IdentityUnavailable';

  constructor() {
    super('the key set of the identity provider could not be fetched');
  }
}

/** Signatures that only the identity provider can make. Not those with a shared secret, and not "none". */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];
/** Tolerance for differences between clocks. */
const clockToleranceSeconds = 30;
/** A withdrawn key is accepted for at most this long. */
const keysKeptMs = 600_000;
/** The shortest time between two fetches because of unknown key ids. */
const keysCooldownMs = 30_000;
const keysTimeoutMs = 2000;
/** The pause after a failed fetch of the key set. */
const failureCooldownMs = 1000;
const mostKeyBytes = 1024 * 1024;
const longestToken = 8192;
const longestName = 255;

/** Reads callers' tokens. Throws `Unauthenticated` and `IdentityUnavailable`. */
export function createJwtReader(
  { now, fetch }: { readonly now: () => number; readonly fetch: typeof globalThis.fetch },
  { jwksUrl, issuer, audiences, claims }: JwtRules,
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
      ...(payload.exp === undefined ? {} : { expiresAtMs: payload.exp * 1000 }),
    };
  };
}

/** The text of a key set. Throws for any status other than 200, and for a body that is too large. */
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

/** All other errors concern the fetch of the key set. */
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

/** Never truncated or converted: two users must not get the same name. */
function readName(payload: JWTPayload, claim: string): string {
  const value = payload[claim];
  const isName = typeof value === 'string' && value !== '' && value.length <= longestName;
  if (!isName) throw new Unauthenticated();
  return value;
}

/**
 * One text separated by blanks (RFC 8693), or a list. Scopes are compared whole, because they may contain
 * commas.
 */
function scopesOf(claim: unknown): readonly Scope[] {
  const asked: readonly unknown[] = typeof claim === 'string' ? claim.split(' ') : asList(claim);
  return scopes.filter((scope) => asked.includes(scope));
}

function asList(claim: unknown): readonly unknown[] {
  return Array.isArray(claim) ? claim : [];
}
