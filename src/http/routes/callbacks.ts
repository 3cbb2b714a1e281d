import type { FastifyInstance } from 'fastify';
import { createRefusalTeller } from '../../core/create-refusal-teller.ts';
import type { OutcomeDeps } from '../../core/core-deps.ts';
import { ownOperation } from '../../core/own-operation.ts';
import {
  expectsNotification,
  receiveNotification,
} from '../../core/verifications/receive-notification.ts';

/** Notifications are small. Larger bodies are refused. */
const mostBytes = 64 * 1024;

/** Registers the URLs for providers' notifications. A URL is a capability and is not logged. */
export function registerCallbacks(server: FastifyInstance, core: OutcomeDeps): void {
  const tellRefusal = createRefusalTeller((provider, count) =>
    core.log.event('warn', 'notifications_refused', { provider, count }),
  );
  // A scope of its own, in which bodies of any type are kept as raw bytes.
  void server.register(async (scope) => {
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
      done(null, body);
    });
    // Fastify refuses a content type that it cannot parse. Here the type does not matter.
    scope.addHook('onRequest', async ({ raw: { headers } }) => {
      headers['content-type'] = 'application/octet-stream';
    });
    scope.route<{ Params: { provider: string; capability: string } }>({
      method: ['GET', 'POST'],
      url: '/callbacks/:provider/:capability',
      exposeHeadRoute: false,
      bodyLimit: mostBytes,
      // Refuses before the body is read if no notification is expected.
      onRequest: async (request, reply) => {
        const { provider, capability } = request.params;
        if (expectsNotification(core, provider, capability)) return;
        core.metrics.notification(labelOf(core, provider), 'unknown');
        return reply.header('cache-control', 'no-store').code(404).send();
      },
      handler: async (request, reply) => {
        const { provider, capability } = request.params;
        const notification = {
          method: request.method === 'POST' ? 'POST' : 'GET',
          query: request.raw.url?.split('?')[1] ?? '',
          headers: request.headers as Record<string, string>,
          body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
        } as const;
        // No trace of the caller is continued here: the listener is public.
        const receipt = await ownOperation(core, 'notification', () =>
          receiveNotification(core, provider, capability, notification),
        );
        const label = labelOf(core, provider);
        core.metrics.notification(label, receipt.kind);
        if (receipt.kind === 'refused') tellRefusal(label);
        void reply.header('cache-control', 'no-store');
        if (receipt.kind === 'unknown') return reply.code(404).send();
        if (receipt.kind === 'refused') return reply.code(401).send();
        if (receipt.kind === 'try_later') return reply.code(503).header('retry-after', '1').send();
        return reply.type(receipt.reply.contentType).send(receipt.reply.body);
      },
    });
  });
}

/** Only providers that exist have a label: anybody can make up a name. */
function labelOf({ registry }: OutcomeDeps, provider: string): string {
  return registry.find(provider) ? provider : 'unknown';
}
