import { startSupergraph } from '../supergraph/start-supergraph.ts';
import { startFrontend } from './start-frontend.ts';

// npm run frontend

const ports = { gateway: 4000, verification: 4001, accounts: 4002, apollo: 4003 };
const supergraph = await startSupergraph(ports);
const frontend = await startFrontend({ port: 4010, graphqlUrl: supergraph.gateway.url });
// What a person reads.
// oxlint-disable-next-line no-console
console.log(`
A page that verifies people, before a supergraph. Nothing real is called, and nothing is charged.

  Click here   ${frontend.url}
`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void Promise.all([frontend.stop(), supergraph.stop()]).then(() => process.exit(0));
  });
}
