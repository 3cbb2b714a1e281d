import type { GatewayConfigSupergraph } from '@graphql-hive/gateway-runtime';

// For the command line of @graphql-hive/gateway:
// hive-gateway supergraph supergraph.graphql --config-path examples/supergraph/hive-gateway.config.ts

const routerSecret = process.env['ROUTER_SECRET'] ?? '';

export const gatewayConfig = {
  propagateHeaders: {
    fromClientToSubgraphs({ request, subgraphName }) {
      if (subgraphName !== 'verification') return {};
      const token = request.headers.get('authorization');
      return {
        'x-router-secret': routerSecret,
        // Names the caller: verification-subgraph checks its signature (JWT_JWKS_URL).
        ...(token === null ? {} : { authorization: token }),
      };
    },
  },
  // client 20 s > router 12 s > operation 9 s
  requestTimeout: 12_000,
  // Errors of subgraphs reach the client: problems are data there, and errors have fixed texts.
  maskedErrors: false,
  landingPage: false,
} satisfies Partial<GatewayConfigSupergraph> & {
  // The command line adds it to the options of the runtime.
  readonly requestTimeout: number;
};
