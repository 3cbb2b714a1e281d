import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Secret } from '../contract/index.ts';
import { Unauthenticated } from '../core/callers/caller.ts';

/**
 * Admits the router only: `x-router-secret` must be one of these secrets. Two may be valid during a
 * rotation. Throws `Unauthenticated`.
 */
export function demandRouterSecret(secrets: readonly Secret[]): (request: FastifyRequest) => void {
  const known = secrets.map((secret) => digest(secret.reveal()));
  return (request) => {
    const given = request.headers['x-router-secret'];
    const asked = digest(typeof given === 'string' ? given : '');
    // Every secret is compared, so that the time does not show which one matched.
    const fits = known.map((secret) => timingSafeEqual(secret, asked));
    if (!fits.includes(true)) throw new Unauthenticated('router_secret');
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
