import { ApolloServer } from '@apollo/server';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import DataLoader from 'dataloader';
import Fastify from 'fastify';
import { gql } from 'graphql-tag';
import { Redis } from 'ioredis';
import { Pool } from 'undici';

// A subgraph as its documentation shows it: Apollo Server on Fastify, a DataLoader over MGET.
const redis = new Redis(process.env['REDIS_URL'] ?? '');
const provider = new Pool(process.env['PROVIDER_URL'] ?? '', { connections: 64 });

interface Context {
  readonly load: DataLoader<string, object | null>;
}

const typeDefs = gql`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Verification @key(fields: "id") {
    id: ID!
    status: String!
    url: String
    createdAt: String!
  }
  input StartInput {
    idempotencyKey: ID!
    channel: String!
    name: String
    idNumber: String
  }
  type Mutation {
    start(input: StartInput!): Verification!
  }
  type Query {
    verification(id: ID!): Verification
  }
`;

const resolvers = {
  Query: {
    verification: (_parent: unknown, { id }: { id: string }, { load }: Context) => load.load(id),
  },
  Mutation: {
    start: async (_parent: unknown, { input }: { input: { idempotencyKey: string } }) => {
      const { body } = await provider.request({
        method: 'POST',
        path: '/',
        headers: { 'content-type': 'application/json', 'x-tc-action': 'GetEidToken' },
        body: JSON.stringify({ MerchantId: 'm' }),
      });
      const { Response: found } = (await body.json()) as { Response: { Url: string } };
      const made = {
        id: `apollo:${input.idempotencyKey}`,
        status: 'PENDING',
        url: found.Url,
        createdAt: new Date().toISOString(),
      };
      await redis.set(made.id, JSON.stringify(made));
      return made;
    },
  },
  Verification: {
    __resolveReference: ({ id }: { id: string }, { load }: Context) => load.load(id),
  },
};

const apollo = new ApolloServer<Context>({
  schema: buildSubgraphSchema([{ typeDefs, resolvers }]),
});
await apollo.start();
const server = Fastify();
server.get('/', () => ({}));
server.post(
  '/graphql',
  fastifyApolloHandler(apollo, {
    context: async () => ({
      load: new DataLoader<string, object | null>(async (ids) =>
        (await redis.mget(...ids)).map((text) => (text === null ? null : JSON.parse(text))),
      ),
    }),
  }),
);
await server.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) });
