import type { FastifyInstance } from 'fastify';
import type { PrometheusMetrics } from '../../infra/metrics.ts';

export function registerMetrics(server: FastifyInstance, metrics: PrometheusMetrics): void {
  server.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.render()),
  );
}
