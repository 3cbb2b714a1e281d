import { defineConfig } from '@graphql-hive/gateway';

// hive-gateway supergraph supergraph.graphql --config examples/supergraph/hive-gateway.config.ts

const routerSecret = process.env['ROUTER_SECRET'] ?? '';

export const gatewayConfig = defineConfig({
  propagateHeaders: {
    fromClientToSubgraphs({ request, subgraphName }) {
      if (subgraphName !== 'verification') return {};
      const token = request.headers.get('authorization');
      return {
        'x-router-secret': routerSecret,
        // Says who calls: its signature is checked by verification-subgraph (JWT_JWKS_URL).
        ...(token === null ? {} : { authorization: token }),
      };
    },
  },
  // client 20 s > router 12 s > operation 9 s
  requestTimeout: 12_000,
  // What subgraphs say reaches the client: problems are data there, and errors have fixed texts.
  maskedErrors: false,
  landingPage: false,
});
