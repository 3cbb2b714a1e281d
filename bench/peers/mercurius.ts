import { buildSubgraphSchema } from '@apollo/subgraph';
import Fastify from 'fastify';
import { gql } from 'graphql-tag';
import { Redis } from 'ioredis';
import { mercurius } from 'mercurius';
import DataLoader from 'dataloader';

// The entities of the Apollo peer, over Mercurius.
const redis = new Redis(process.env['REDIS_URL'] ?? '');

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
  type Query {
    verification(id: ID!): Verification
  }
`;
const resolvers = {
  Query: {
    verification: (_parent: unknown, { id }: { id: string }, { load }: Context) => load.load(id),
  },
  Verification: {
    __resolveReference: ({ id }: { id: string }, { load }: Context) => load.load(id),
  },
};

const server = Fastify();
server.get('/', () => ({}));
await server.register(mercurius, {
  schema: buildSubgraphSchema([{ typeDefs, resolvers }]),
  context: () => ({
    load: new DataLoader<string, object | null>(async (ids) =>
      (await redis.mget(...ids)).map((text) => (text === null ? null : JSON.parse(text))),
    ),
  }),
});
await server.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) });
