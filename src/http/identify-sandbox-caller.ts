import type { FastifyRequest } from 'fastify';
import { scopes, type Caller } from '../core/callers/caller.ts';
import { readIdentityHeader, readScopes } from './identity-headers.ts';

const defaults = { tenantId: 'sandbox', userId: 'sandbox-user' };

/** By default a caller may not act for another user. */
const defaultScopes = scopes.filter((scope) => scope !== 'verification:any-user');

/** In the sandbox the headers name the caller. */
export function identifySandboxCaller(request: FastifyRequest): Caller {
  const asked = readIdentityHeader(request, 'x-scopes');
  return {
    tenantId: readIdentityHeader(request, 'x-tenant-id') ?? defaults.tenantId,
    userId: readIdentityHeader(request, 'x-user-id') ?? defaults.userId,
    scopes: new Set(asked === null ? defaultScopes : readScopes(asked)),
  };
}
