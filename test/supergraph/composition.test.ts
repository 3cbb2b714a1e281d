import { composeServices } from '@apollo/composition';
import { composeServices as composeByGuild } from '@theguild/federation-composition';
import { gql } from 'graphql-tag';
import { describe, expect, it } from 'vitest';
import { builtInProviders } from '../../providers/index.ts';
import { verificationSdl } from '../../examples/supergraph/start-supergraph.ts';

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])';

/** Another team that uses generic names with other meanings. */
const generic = gql`
  ${link}
  scalar DateTime
  enum Status {
    ON
    OFF
  }
  enum Channel {
    EMAIL
    SMS
  }
  enum Reason {
    OTHER
    SPAM
  }
  enum Billing {
    MONTHLY
    YEARLY
  }
  enum Jurisdiction {
    EU
    US
  }
  enum CheckKind {
    A
    B
  }
  interface Problem {
    message: String!
  }
  interface Node {
    id: ID!
  }
  type NotFoundProblem implements Problem {
    message: String!
    id: ID!
  }
  type InputProblem implements Problem {
    message: String!
    fields: [String!]!
  }
  type Provider implements Node @key(fields: "id") {
    id: ID!
    name: String!
    enabled: Int
  }
  type Outcome {
    code: Int
    reason: Reason
  }
  type Launch {
    at: DateTime
  }
  type Redirect {
    url: String!
    permanent: Boolean!
  }
  type PageInfo @shareable {
    hasNextPage: Boolean!
    endCursor: String
    startCursor: String
  }
  type Connection {
    pageInfo: PageInfo!
  }
  union Result = Provider | NotFoundProblem
  input Subject {
    topic: String!
  }
  input StartInput {
    id: ID!
  }
  input Options {
    verbose: Boolean!
  }
  type Query {
    provider(id: ID!): Provider
    providers: [Provider!]
    status: Status
    outcome: Outcome
    launch: Launch
    redirect: Redirect
    connection: Connection
    result: Result
  }
  type Mutation {
    start(input: StartInput!, subject: Subject, options: Options): Result
  }
  type User @key(fields: "id") {
    id: ID!
    status: Status
    channel: Channel
    billing: Billing
    jurisdiction: Jurisdiction
    check: CheckKind
  }
`;

const accounts = gql`
  ${link}
  type Query {
    me: User
    users: [User!]!
  }
  type User @key(fields: "id") {
    id: ID!
    name: String!
    email: String!
  }
`;

const subgraph = (name: string, typeDefs: typeof accounts) => ({
  name,
  url: `http://${name}.example/graphql`,
  typeDefs,
});

const composers: [
  string,
  (all: ReturnType<typeof subgraph>[]) => { sdl?: string; said: string[] },
][] = [
  [
    '@apollo/composition',
    (all) => {
      const { supergraphSdl, errors, hints } = composeServices(all);
      const said = [...(errors ?? []), ...(hints ?? [])].map(String);
      return supergraphSdl === undefined ? { said } : { sdl: supergraphSdl, said };
    },
  ],
  [
    '@theguild/federation-composition',
    (all) => {
      const { supergraphSdl, errors } = composeByGuild(all);
      const said = (errors ?? []).map(String);
      return supergraphSdl === undefined ? { said } : { sdl: supergraphSdl, said };
    },
  ],
];

describe.each(composers)('%s', (_name, compose) => {
  const own = subgraph('verification', verificationSdl);

  it('composes the published SDL beside accounts without hints', () => {
    const { sdl, said } = compose([own, subgraph('accounts', accounts)]);
    expect(said).toEqual([]);
    expect(sdl).toContain('latestPassedVerification');
    expect(sdl).toContain('email');
  });

  it('composes the published SDL alone', () => {
    const { sdl } = compose([own]);
    expect(sdl).toContain('startVerification');
  });

  it('composes the published SDL beside a team with generic names', () => {
    const { sdl, said } = compose([
      own,
      subgraph('accounts', accounts),
      subgraph('generic', generic),
    ]);
    expect(said.filter((text) => /verification/iu.test(text))).toEqual([]);
    expect(sdl).toBeDefined();
  });
});

describe('the published SDL', () => {
  it('has only names with its own prefixes', () => {
    const plugins = builtInProviders.map(({ id }) =>
      id
        .split('-')
        .map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
        .join(''),
    );
    const base = [
      ...['Verification', 'BankCard', 'StartVerification', 'CancelVerification'],
      ...['CheckBankCard', 'Redact', 'VerifiedIdentity'],
    ];
    const ours = new RegExp(`^(?:${[...base, ...plugins].join('|')})`, 'u');
    const shared = ['Query', 'Mutation', 'Subscription', 'User'];
    const names = verificationSdl.definitions
      .flatMap((definition) =>
        'name' in definition && definition.name ? [definition.name.value] : [],
      )
      .filter((name) => !shared.includes(name) && name !== 'oneOf');
    expect(names.filter((name) => !ours.test(name))).toEqual([]);
    expect(names.length).toBeGreaterThan(50);
  });
});
