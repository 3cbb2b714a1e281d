import { readFileSync } from 'node:fs';
import type { DocumentNode } from 'graphql';
import { gql } from 'graphql-tag';
import { startApp } from '../../src/app.ts';
import { withoutAuthorization } from '../../src/graphql/without-authorization.ts';
import { compose } from './compose.ts';
import { startAccounts } from './start-accounts.ts';
import { startApolloGateway } from './start-apollo-gateway.ts';
import { startHiveGateway } from './start-hive-gateway.ts';

const routerSecret = 'a-secret-that-only-the-router-knows';

/** The SDL that a platform team publishes to its registry. */
export const verificationSdl = gql(
  readFileSync(new URL('../../schema/subgraph.graphql', import.meta.url), 'utf8'),
);

export interface Ports {
  readonly gateway: number;
  readonly apollo: number;
  readonly accounts: number;
  readonly verification: number;
}

/** Accounts, verification-subgraph with emulated providers, and two gateways in front of both: Hive's and Apollo's. */
export async function startSupergraph(ports: Ports, env: Readonly<Record<string, string>> = {}) {
  const accounts = await startAccounts(ports.accounts);
  const verification = await startApp({
    env: {
      LOG_LEVEL: 'warn',
      PORT: String(ports.verification),
      // With these the subgraph requires the router's secret and trusts its identity headers.
      ROUTER_SECRETS: routerSecret,
      TRUST_IDENTITY_HEADERS: 'on',
      SUBSCRIPTION_CALLBACK_URLS: `http://127.0.0.1:${ports.gateway}/callback`,
      ...env,
    },
  });
  const verificationUrl = `http://127.0.0.1:${ports.verification}/graphql`;
  const composeWith = (typeDefs: DocumentNode): string =>
    compose([
      { name: 'accounts', url: accounts.url, typeDefs: accounts.typeDefs },
      { name: 'verification', url: verificationUrl, typeDefs },
    ]);
  const supergraphSdl = composeWith(verificationSdl);
  // @apollo/gateway does not enforce scopes, and refuses a supergraph that demands them.
  const unguarded = composeWith(withoutAuthorization(verificationSdl));
  const [gateway, apollo] = await Promise.all([
    startHiveGateway({ supergraphSdl, port: ports.gateway, routerSecret }),
    startApolloGateway({ supergraphSdl: unguarded, port: ports.apollo, routerSecret }),
  ]);
  return {
    ...{ accounts, verification, gateway, apollo, supergraphSdl, routerSecret },
    stop: async () => {
      await Promise.all([gateway.stop(), apollo.stop()]);
      await Promise.all([accounts.stop(), verification.stop()]);
    },
  };
}
