import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { registerGraphiql } from '../../src/http/routes/graphiql.ts';
import { gatewayConfig, subscriptionsOver } from './hive-gateway.config.ts';
import { identityOf } from './identity-of.ts';
import { steps, tabs } from './tabs.ts';

const transport = new URL('../../src/client/http-transport.ts', import.meta.url);

/** Hive Gateway, with subscriptions, and GraphiQL in front. Listens on loopback. */
export async function startHiveGateway(options: {
  readonly supergraphSdl: string;
  readonly port: number;
  /** Proves to the subgraph that the request comes from the router. */
  readonly routerSecret: string;
}) {
  const url = `http://127.0.0.1:${options.port}`;
  const gateway = createGatewayRuntime({
    ...gatewayConfig,
    ...(await subscriptionsOver(url)),
    supergraph: options.supergraphSdl,
    logging: false,
    propagateHeaders: {
      fromClientToSubgraphs: ({ request }) => ({
        ...identityOf((name) => request.headers.get(name)),
        'x-router-secret': options.routerSecret,
      }),
    },
  });

  const server = fastify({ forceCloseConnections: true });
  server.removeAllContentTypeParsers();
  // The gateway reads the body itself.
  server.addContentTypeParser('*', (_request, _body, done) => done(null));
  const handler = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    reply.hijack();
    void gateway(request.raw, reply.raw);
    return reply;
  };
  server.route({ method: ['GET', 'POST'], url: '/graphql', handler });
  // Where verification-subgraph sends the values of subscriptions.
  server.post('/callback/*', handler);
  server.get('/client/http-transport.js', (_request, reply) =>
    reply.type('text/javascript').send(stripTypeScriptTypes(readFileSync(transport, 'utf8'))),
  );
  registerGraphiql(server, { tabs, steps, transportUrl: '/client/http-transport.js' });
  await server.listen({ host: '127.0.0.1', port: options.port });
  return {
    url: `${url}/graphql`,
    stop: async () => {
      await server.close();
      await gateway[Symbol.asyncDispose]();
    },
  };
}
