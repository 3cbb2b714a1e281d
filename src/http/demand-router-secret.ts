import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Secret } from '../contract/index.ts';
import { Unauthenticated } from '../core/callers/caller.ts';

/**
 * Nobody but the router gets in: `x-router-secret` has to be one of these, two of which may hold
 * while they are rotated. Throws `Unauthenticated`.
 */
export function demandRouterSecret(secrets: readonly Secret[]): (request: FastifyRequest) => void {
  const known = secrets.map((secret) => digest(secret.reveal()));
  return (request) => {
    const given = request.headers['x-router-secret'];
    const asked = digest(typeof given === 'string' ? given : '');
    // Every one is compared, whichever fits: time tells nothing.
    const fits = known.map((secret) => timingSafeEqual(secret, asked));
    if (!fits.includes(true)) throw new Unauthenticated();
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
