import type { FastifyInstance } from 'fastify';
import type { Store } from '../../contract/index.ts';

/** Live: the process answers. Ready: it can take work. */
export function registerHealth(
  server: FastifyInstance,
  { store, isDraining }: { readonly store: Store; readonly isDraining: () => boolean },
): void {
  server.get('/health/live', () => ({ status: 'live' }));
  server.get('/health/ready', async (_request, reply) => {
    if (isDraining()) return reply.code(503).send({ status: 'stopping' });
    try {
      await store.ping();
      return { status: 'ready' };
    } catch {
      return reply.code(503).send({ status: 'store unavailable' });
    }
  });
}
