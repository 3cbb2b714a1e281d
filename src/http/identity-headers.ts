import type { FastifyRequest } from 'fastify';
import { AccessDenied, scopes, Unauthenticated, type Scope } from '../core/callers/caller.ts';

const longestName = 255;
const longestScopes = 8192;

/** Of a text with blanks or commas; what is no scope of ours is left out. */
export function readScopes(text: string): Scope[] {
  const asked = text.split(/[\s,]+/u);
  return scopes.filter((scope) => asked.includes(scope));
}

/** Null where it is absent or empty. Throws `AccessDenied` for one that is too long. */
export function readIdentityHeader(
  request: FastifyRequest,
  name: 'x-tenant-id' | 'x-user-id' | 'x-scopes',
): string | null {
  const given = request.raw.headersDistinct[name] ?? [];
  const [value = ''] = given;
  // Of two, one may be a client's own beside the router's: Node would join them.
  if (given.length > 1) throw new Unauthenticated();
  if (value === '') return null;
  // Never cut: two people must not become one.
  if (value.length > (name === 'x-scopes' ? longestScopes : longestName)) throw new AccessDenied();
  // Node reads headers as Latin-1: any other name would become one of nobody.
  if (!/^[\u0021-\u007e]+(?: +[\u0021-\u007e]+)*$/u.test(value)) throw new Unauthenticated();
  return value;
}
