import { startSupergraph } from './start-supergraph.ts';

// npm run supergraph

const ports = { gateway: 4000, verification: 4001, accounts: 4002, apollo: 4003 };
const supergraph = await startSupergraph(ports);
// What a person reads.
// oxlint-disable-next-line no-console
console.log(`
A supergraph of two subgraphs is up. Nothing real is called, and nothing is charged.

  Click here     http://localhost:${ports.gateway}/graphiql
  Supergraph     ${supergraph.gateway.url}
  with Apollo    ${supergraph.apollo.url}   (without subscriptions)
  accounts       ${supergraph.accounts.url}
  verification   http://127.0.0.1:${ports.verification}/graphql   (asks for the router's secret)
`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void supergraph.stop().then(() => process.exit(0));
  });
}
