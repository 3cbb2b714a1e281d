import type { FastifyInstance } from 'fastify';
import type { CoreDeps } from '../../core/core-deps.ts';
import {
  expectsNotification,
  receiveNotification,
} from '../../core/verifications/receive-notification.ts';

/** Notifications are small; more is nobody's notification. */
const mostBytes = 64 * 1024;

/** Where providers send their notifications. The URL is a capability, and is not logged. */
export function registerCallbacks(server: FastifyInstance, core: CoreDeps): void {
  // A scope of its own: the body is kept as it came, whatever its type.
  void server.register(async (scope) => {
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
      done(null, body);
    });
    // Fastify would refuse types that it cannot read, and here none has to be.
    scope.addHook('onRequest', async ({ raw: { headers } }) => {
      headers['content-type'] = 'application/octet-stream';
    });
    scope.route<{ Params: { provider: string; capability: string } }>({
      method: ['GET', 'POST'],
      url: '/callbacks/:provider/:capability',
      exposeHeadRoute: false,
      bodyLimit: mostBytes,
      // Before a body is read that nobody expects.
      onRequest: async (request, reply) => {
        const { provider, capability } = request.params;
        if (expectsNotification(core, provider, capability)) return;
        return reply.header('cache-control', 'no-store').code(404).send();
      },
      handler: async (request, reply) => {
        const { provider, capability } = request.params;
        const receipt = await receiveNotification(core, provider, capability, {
          method: request.method === 'POST' ? 'POST' : 'GET',
          query: request.raw.url?.split('?')[1] ?? '',
          headers: request.headers as Record<string, string>,
          body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
        });
        void reply.header('cache-control', 'no-store');
        if (receipt.kind === 'unknown') return reply.code(404).send();
        if (receipt.kind === 'refused') return reply.code(401).send();
        if (receipt.kind === 'try_later') return reply.code(503).header('retry-after', '1').send();
        return reply.type(receipt.reply.contentType).send(receipt.reply.body);
      },
    });
  });
}
