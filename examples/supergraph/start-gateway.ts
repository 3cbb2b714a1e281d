import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import fastify from 'fastify';
import { maskError } from '../../src/graphql/mask-error.ts';
import type { ExampleTab } from '../../src/http/example-tabs.ts';
import { registerGraphiql } from '../../src/http/routes/graphiql.ts';

interface Context {
  /** Identity headers for the subgraphs. A real router takes them from a token that it verified. */
  readonly identity: Readonly<Record<string, string>>;
}

/** An 8 MB image in base64, with the rest of its request around it. */
const bodyLimit = 9 * 1024 * 1024;

/** A federation gateway with GraphiQL in front. Listens on loopback. */
export async function startGateway(options: {
  readonly supergraphSdl: string;
  readonly port: number;
  /** Proves to the subgraph that the request comes from the router. */
  readonly routerSecret: string;
  readonly tabs?: readonly ExampleTab[];
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
      // For trying out: the caller of the headers, or Ann of Acme with every scope.
      identity: {
        'x-tenant-id': String(headers['x-tenant-id'] ?? 'acme'),
        'x-user-id': String(headers['x-user-id'] ?? 'ann'),
        'x-scopes': String(headers['x-scopes'] ?? everything),
      },
    }),
  });
  server.post('/graphql', handler);
  registerGraphiql(server, options.tabs);
  await server.listen({ host: '127.0.0.1', port: options.port });
  return {
    url: `http://127.0.0.1:${options.port}/graphql`,
    stop: async () => {
      await server.close();
      await apollo.stop();
    },
  };
}

const everything = 'verification:start verification:read bankcard:check verification:redact';
