import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { ApolloServer } from '@apollo/server';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../../core/caller.ts';
import type { CoreDeps } from '../../core/core-deps.ts';
import { operationTimeoutMs } from '../../core/run-claimed.ts';
import type { GraphqlContext } from '../../graphql/context.ts';
import { createLoaders } from '../../graphql/loaders.ts';
import type { Identify } from '../identify-routed-caller.ts';
import { readDeadline } from '../read-deadline.ts';

export function registerGraphql(
  server: FastifyInstance,
  deps: {
    readonly apollo: ApolloServer<GraphqlContext>;
    readonly core: CoreDeps;
    readonly identify: Identify;
  },
): void {
  const { apollo, core, identify } = deps;
  const callers = new WeakMap<FastifyRequest, Caller>();
  const handler = fastifyApolloHandler(apollo, {
    context: async (request) => {
      const caller = callers.get(request);
      if (!caller) throw new Error('a request that nobody identified');
      const deadlineMs = readDeadline(request, core.now(), operationTimeoutMs);
      return { core, caller, deadlineMs, loaders: createLoaders(core, caller, deadlineMs) };
    },
  });
  server.route({
    method: 'POST',
    url: '/graphql',
    // Before anything is read: who is refused here gets a status and not half an operation.
    onRequest: async (request) => {
      callers.set(request, await identify(request));
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
