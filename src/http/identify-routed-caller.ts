import type { FastifyRequest } from 'fastify';
import type { Secret } from '../contract/index.ts';
import { Unauthenticated, type Caller } from '../core/callers/caller.ts';
import { demandRouterSecret } from './demand-router-secret.ts';
import { readIdentityHeader, readScopes } from './identity-headers.ts';

export type Identify = (request: FastifyRequest) => Caller | Promise<Caller>;

export interface AccessRules {
  /** Empty in the sandbox only. */
  readonly routerSecrets: readonly Secret[];
  readonly trustHeaders: boolean;
}

/**
 * The caller whom the router names: by a token that it forwards, or by identity headers if those are
 * trusted. If there is a token, the headers are ignored, even if the token is invalid.
 *
 * Throws `Unauthenticated` and `IdentityUnavailable`.
 */
export function identifyRoutedCaller(
  { routerSecrets, trustHeaders }: AccessRules,
  /** Null if no tokens are accepted. */
  readToken: ((token: string) => Promise<Caller>) | null,
): Identify {
  const demandRouter = routerSecrets.length > 0 ? demandRouterSecret(routerSecrets) : () => {};
  return async (request) => {
    demandRouter(request);
    const { authorization } = request.headers;
    if (readToken && authorization !== undefined) {
      const [, token] = /^Bearer +([\w.~+/-]+=*)$/iu.exec(authorization) ?? [];
      if (token === undefined) throw new Unauthenticated();
      return readToken(token);
    }
    const named = trustHeaders ? namedByHeaders(request) : null;
    if (!named) throw new Unauthenticated();
    return named;
  };
}

function namedByHeaders(request: FastifyRequest): Caller | null {
  const tenantId = readIdentityHeader(request, 'x-tenant-id');
  const userId = readIdentityHeader(request, 'x-user-id');
  if (tenantId === null || userId === null) return null;
  const scopes = readScopes(readIdentityHeader(request, 'x-scopes') ?? '');
  return { tenantId, userId, scopes: new Set(scopes) };
}
