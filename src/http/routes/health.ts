import type { FastifyInstance } from 'fastify';
import type { Store } from '../../ports/index.ts';

/** Live: the process responds. Ready: it can take work. */
export function registerHealth(
  server: FastifyInstance,
  {
    store,
    storeRoundTripMs,
    isDraining,
  }: {
    readonly store: Store;
    readonly storeRoundTripMs: () => number | null;
    readonly isDraining: () => boolean;
  },
): void {
  server.get('/health/live', () => ({ status: 'live' }));
  server.get('/health/ready', async (_request, reply) => {
    if (isDraining()) return reply.code(503).send({ status: 'stopping' });
    try {
      await store.ping();
      const roundTripMs = storeRoundTripMs();
      return roundTripMs === null
        ? { status: 'ready' }
        : { status: 'ready', storeRoundTripMs: Math.ceil(roundTripMs) };
    } catch {
      return reply.code(503).send({ status: 'store unavailable' });
    }
  });
}
