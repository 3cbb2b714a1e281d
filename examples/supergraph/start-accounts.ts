import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import fastify from 'fastify';
import { gql } from 'graphql-tag';

// The subgraph of another team: it owns `User`, and does not know verifications.

const typeDefs = gql`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])

  type Query {
    me: User
    user(id: ID!): User
    users: [User!]!
  }

  type User @key(fields: "id") {
    id: ID!
    name: String!
    email: String!
  }
`;

const people = ['ann', 'bob', 'cas'].map((id) => ({
  id,
  name: id[0]?.toUpperCase() + id.slice(1),
  email: `${id}@acme.example`,
}));

const find = (id: string) => people.find((person) => person.id === id) ?? null;

const resolvers = {
  Query: {
    me: () => find('ann'),
    user: (_root: unknown, { id }: { readonly id: string }) => find(id),
    users: () => people,
  },
  User: { __resolveReference: async ({ id }: { readonly id: string }) => find(id) },
};

/** Listens on loopback. */
export async function startAccounts(port: number) {
  const schema = buildSubgraphSchema([{ typeDefs, resolvers }]);
  const plugins = [ApolloServerPluginInlineTraceDisabled()];
  const apollo = new ApolloServer({ schema, plugins, stopOnTerminationSignals: false });
  await apollo.start();
  const server = fastify();
  server.post('/graphql', fastifyApolloHandler(apollo, { context: async () => ({}) }));
  await server.listen({ host: '127.0.0.1', port });
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    typeDefs,
    stop: async () => {
      await server.close();
      await apollo.stop();
    },
  };
}
