import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { ApolloServer } from '@apollo/server';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../../core/caller.ts';
import type { CoreDeps } from '../../core/core-deps.ts';
import { operationTimeoutMs } from '../../core/run-claimed.ts';
import type { GraphqlContext } from '../../graphql/context.ts';
import { createBudget } from '../../graphql/limits.ts';
import { createLoaders } from '../../graphql/loaders.ts';
import type { Identify } from '../identify-routed-caller.ts';
import { BodyTooLarge, isOversized } from '../is-oversized.ts';
import { readDeadline } from '../read-deadline.ts';

class UnsupportedMediaType extends Error {
  override readonly name = 'UnsupportedMediaType';
  readonly statusCode = 415;
}

export function registerGraphql(
  server: FastifyInstance,
  deps: {
    readonly apollo: ApolloServer<GraphqlContext>;
    readonly core: CoreDeps;
    readonly identify: Identify;
  },
): void {
  const { apollo, core, identify } = deps;
  const known = new WeakMap<FastifyRequest, { caller: Caller; deadlineMs: number }>();
  const handler = fastifyApolloHandler(apollo, {
    context: async (request) => {
      const found = known.get(request);
      if (!found) throw new Error('a request that nobody identified');
      const { caller, deadlineMs } = found;
      const loaders = createLoaders(core, caller, deadlineMs);
      return { core, caller, deadlineMs, loaders, spend: createBudget() };
    },
  });
  server.route({
    method: 'POST',
    url: '/graphql',
    // Before anything is read: who is refused here gets a status and not half an operation.
    onRequest: async (request) => {
      // Counted from here: finding out who calls is a part of answering.
      const deadlineMs = readDeadline(request, core.now(), operationTimeoutMs);
      known.set(request, { caller: await identify(request), deadlineMs });
      // Other types any web page could send without asking (CSRF).
      const given = request.headers['content-type'] ?? '';
      const [type = ''] = given.split(';');
      const [, charset = 'utf-8'] = /charset="?([^";\s]+)/iu.exec(given) ?? [];
      // Read as UTF-8, a name in another encoding would become another name.
      const isRead = type.trim().toLowerCase() === 'application/json' && /^utf-?8$/iu.test(charset);
      if (!isRead) throw new UnsupportedMediaType();
    },
    preHandler: async (request) => {
      const bytes = Number(
        request.headers['content-length'] ?? JSON.stringify(request.body).length,
      );
      if (isOversized(request.body, bytes)) throw new BodyTooLarge();
    },
    handler,
  });
  server.route({
    method: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'],
    url: '/graphql',
    handler: (_request, reply) =>
      reply
        .code(405)
        .header('allow', 'POST')
        .type('text/plain')
        .send('Send a POST. GraphiQL is at /graphiql.\n'),
  });
}
