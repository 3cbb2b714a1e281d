import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Secret } from '../contract/index.ts';
import { Unauthenticated, type Caller } from '../core/caller.ts';
import { readIdentityHeader, readScopes } from './identity-headers.ts';

/**
 * The caller whom the router names, if it is the router: identity headers count only beside one of
 * its secrets. Two secrets may hold at once, while they are rotated. Throws `Unauthenticated`.
 */
export function identifyRoutedCaller(
  secrets: readonly Secret[],
): (request: FastifyRequest) => Caller {
  const known = secrets.map((secret) => digest(secret.reveal()));
  return (request) => {
    const given = request.headers['x-router-secret'];
    const asked = digest(typeof given === 'string' ? given : '');
    // Every one is compared, whichever fits: time tells nothing.
    const fits = known.map((secret) => timingSafeEqual(secret, asked));
    const tenantId = readIdentityHeader(request, 'x-tenant-id');
    const userId = readIdentityHeader(request, 'x-user-id');
    if (!fits.includes(true) || tenantId === null || userId === null) throw new Unauthenticated();
    const scopes = readScopes(readIdentityHeader(request, 'x-scopes') ?? '');
    return { tenantId, userId, scopes: new Set(scopes) };
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
