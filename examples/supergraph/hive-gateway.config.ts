import type { GatewayConfigSupergraph } from '@graphql-hive/gateway-runtime';

// For the command line of @graphql-hive/gateway:
// hive-gateway supergraph supergraph.graphql --config-path examples/supergraph/hive-gateway.config.ts

const routerSecret = process.env['ROUTER_SECRET'] ?? '';
/** The key set of your identity provider. */
const jwksUrl = process.env['JWKS_URL'];
/**
 * Where verification-subgraph reaches this gateway for subscriptions, such as `http://gateway:4000`. It has to be one of
 * its SUBSCRIPTION_CALLBACK_URLS, with `/callback`.
 */
const ownUrl = process.env['GATEWAY_URL'];

/** Subscriptions over the HTTP callback protocol. With several replicas of the gateway use `RedisPubSub`. */
export async function subscriptionsOver(url: string) {
  const { MemPubSub } = await import('@graphql-hive/pubsub');
  const path = '/callback';
  return {
    pubsub: new MemPubSub(),
    webhooks: true,
    transportEntries: {
      verification: {
        options: {
          subscriptions: {
            kind: 'http-callback',
            // In ms. The gateway ends what it has not heard of for so long.
            options: { public_url: `${url}${path}`, path, heartbeat_interval: 10_000 },
          },
        },
      },
    },
  };
}

/** The claims of the caller's token. */
interface Claims {
  readonly scope?: string;
}

/** Null without a valid token. */
async function readClaims(jwks: string, headers: Headers): Promise<Claims | null> {
  const { createRemoteJWKSet, jwtVerify } = await import('jose');
  const token = headers.get('authorization')?.replace(/^Bearer /u, '') ?? '';
  const read = jwtVerify<Claims>(token, createRemoteJWKSet(new URL(jwks)));
  return read.then(
    ({ payload }) => payload,
    () => null,
  );
}

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
  // @authenticated and @requiresScopes are enforced before a subgraph is asked. verification-subgraph checks them again.
  ...(jwksUrl === undefined
    ? {}
    : {
        genericAuth: {
          mode: 'protect-granular' as const,
          resolveUserFn: ({ request }: { readonly request: Request }) =>
            readClaims(jwksUrl, request.headers),
          // It is also asked for callers without a token.
          extractScopes: (claims: Claims | null) => claims?.scope?.split(' ') ?? [],
          // What the caller may see of other subgraphs is still answered.
          rejectUnauthenticated: false,
        },
      }),
  ...(ownUrl === undefined ? {} : await subscriptionsOver(ownUrl)),
  // @cost and @listSize: a start costs 20, an entry of a list 1 and what is below it.
  demandControl: { maxCost: 2000, listSize: 10 },
  // client 20 s > router 12 s > operation 9 s
  requestTimeout: 12_000,
  // Errors of subgraphs reach the client: problems are data there, and errors have fixed texts.
  maskedErrors: false,
  landingPage: false,
} satisfies Partial<GatewayConfigSupergraph> & {
  // The command line adds it to the options of the runtime.
  readonly requestTimeout: number;
};
