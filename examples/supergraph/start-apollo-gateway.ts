import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import fastify from 'fastify';
import { maskError } from '../../src/graphql/mask-error.ts';
import { identityOf } from './identity-of.ts';

interface Context {
  /** Identity headers for the subgraphs. A real router takes them from a token that it verified. */
  readonly identity: Readonly<Record<string, string>>;
}

/** An 8 MB image in base64, with the rest of its request around it. */
const bodyLimit = 9 * 1024 * 1024;

/** Apollo's gateway for Node, which has no subscriptions. Listens on loopback. */
export async function startApolloGateway(options: {
  readonly supergraphSdl: string;
  readonly port: number;
  /** Proves to the subgraph that the request comes from the router. */
  readonly routerSecret: string;
}) {
  const gateway = new ApolloGateway({
    supergraphSdl: options.supergraphSdl,
    buildService: ({ url }) =>
      new RemoteGraphQLDataSource<Context>({
        ...(url === undefined ? {} : { url }),
        willSendRequest: ({ request, context }) => {
          const { identity = {} } = context as Partial<Context>;
          const headers = { ...identity, 'x-router-secret': options.routerSecret };
          for (const [name, value] of Object.entries(headers))
            request.http?.headers.set(name, value);
        },
      }),
  });
  const apollo = new ApolloServer<Context>({
    gateway,
    introspection: true,
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    // graphql-js repeats input, such as an ID number, in its errors, so the gateway needs fixed texts too.
    formatError: maskError,
  });
  await apollo.start();

  const server = fastify({ bodyLimit });
  const handler = fastifyApolloHandler(apollo, {
    context: async ({ headers }): Promise<Context> => ({
      identity: identityOf((name) => headers[name]),
    }),
  });
  server.post('/graphql', handler);
  await server.listen({ host: '127.0.0.1', port: options.port });
  return {
    url: `http://127.0.0.1:${options.port}/graphql`,
    stop: async () => {
      await server.close();
      await apollo.stop();
    },
  };
}
