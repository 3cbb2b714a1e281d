import type { FastifyInstance } from 'fastify';
import type { Store } from '../../ports/index.ts';

/** Live: the process responds. Ready: it can take work. */
export function registerHealth(
  server: FastifyInstance,
  {
    store,
    storeRoundTripMs,
    storeFault,
    isStopping,
  }: {
    readonly store: Store;
    readonly storeRoundTripMs: () => number | null;
    readonly storeFault: () => string | null;
    readonly isStopping: () => boolean;
  },
): void {
  server.get('/health/live', () => ({ status: 'live' }));
  server.get('/health/ready', async (_request, reply) => {
    if (isStopping()) return reply.code(503).send({ status: 'stopping' });
    try {
      await store.ping();
      const roundTripMs = storeRoundTripMs();
      return roundTripMs === null
        ? { status: 'ready' }
        : { status: 'ready', storeRoundTripMs: Math.ceil(roundTripMs) };
    } catch {
      const reason = storeFault();
      const status = 'store unavailable';
      return reply.code(503).send(reason === null ? { status } : { status, reason });
    }
  });
}
