import type { FastifyRequest } from 'fastify';
import { AccessDenied, scopes, type Caller, type Scope } from '../core/caller.ts';

const defaults = { tenantId: 'sandbox', userId: 'sandbox-user' };

/** Nobody is for somebody else unless a test says so. */
const defaultScopes = scopes.filter((scope) => scope !== 'verification:any-user');

/** In the sandbox the caller is whoever the headers say. */
export function identifySandboxCaller(request: FastifyRequest): Caller {
  const asked = header(request, 'x-scopes');
  return {
    tenantId: header(request, 'x-tenant-id') ?? defaults.tenantId,
    userId: header(request, 'x-user-id') ?? defaults.userId,
    scopes: new Set(asked === null ? defaultScopes : readScopes(asked)),
  };
}

function readScopes(text: string): Scope[] {
  const asked = text.split(/[\s,]+/u);
  return scopes.filter((scope) => asked.includes(scope));
}

function header(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  if (typeof value !== 'string' || value === '') return null;
  // Never cut: two people must not become one.
  if (value.length > 255) throw new AccessDenied();
  return value;
}
