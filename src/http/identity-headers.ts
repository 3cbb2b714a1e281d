import type { FastifyRequest } from 'fastify';
import { AccessDenied, scopes, Unauthenticated, type Scope } from '../core/callers/caller.ts';

const longestName = 255;
const longestScopes = 8192;

/** Reads scopes that are separated by blanks or commas. Unknown scopes are ignored. */
export function readScopes(text: string): Scope[] {
  const asked = text.split(/[\s,]+/u);
  return scopes.filter((scope) => asked.includes(scope));
}

/**
 * Null if the header is absent or empty. Throws `AccessDenied` if it is too long, and `Unauthenticated` if
 * it is repeated or not ASCII.
 */
export function readIdentityHeader(
  request: FastifyRequest,
  name: 'x-tenant-id' | 'x-user-id' | 'x-scopes',
): string | null {
  const given = request.raw.headersDistinct[name] ?? [];
  const [value = ''] = given;
  // Of two headers, one may be the client's and one the router's. Node would join them.
  if (given.length > 1) throw new Unauthenticated();
  if (value === '') return null;
  // Never truncated: two users must not get the same name.
  if (value.length > (name === 'x-scopes' ? longestScopes : longestName)) throw new AccessDenied();
  // Node decodes headers as Latin-1, so a name with other characters would become a different one.
  if (!/^[\u0021-\u007e]+(?: +[\u0021-\u007e]+)*$/u.test(value)) throw new Unauthenticated();
  return value;
}
