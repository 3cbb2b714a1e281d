import type { FastifyRequest } from 'fastify';
import { AccessDenied, scopes, type Scope } from '../core/caller.ts';

/** Of a text with blanks or commas; what is no scope of ours is left out. */
export function readScopes(text: string): Scope[] {
  const asked = text.split(/[\s,]+/u);
  return scopes.filter((scope) => asked.includes(scope));
}

/** Null where it is absent or empty. Throws `AccessDenied` for one that is too long. */
export function readIdentityHeader(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  if (typeof value !== 'string' || value === '') return null;
  // Never cut: two people must not become one.
  if (value.length > 255) throw new AccessDenied();
  return value;
}
