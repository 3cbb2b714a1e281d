import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/** How long a browser remembers the answer to a preflight. */
const maxAgeSeconds = 600;

/** Lets web pages of these origins call the service (CORS). Cookies are never used. */
export function allowOrigins(server: FastifyInstance, origins: readonly string[]): void {
  void server.register(cors, {
    origin: [...origins],
    methods: ['POST'],
    allowedHeaders: ['content-type', 'authorization', 'x-tenant-id', 'x-user-id', 'x-scopes'],
    credentials: false,
    maxAge: maxAgeSeconds,
  });
}
