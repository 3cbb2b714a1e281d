import { createServer, type Server } from 'node:http';
import { exportJWK, SignJWT, type CryptoKey, type JWTPayload } from 'jose';

export interface KeyPair {
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
}

export const issuer = 'https://id.acme.example/';
export const audience = 'supergraph';

/** Publishes keys on loopback, and counts the requests for them. */
export async function startIdentityProvider(first: readonly object[]) {
  let published = first;
  let asked = 0;
  let isDown = false;
  let page: string | null = null;
  const server: Server = createServer((_request, response) => {
    asked += 1;
    if (isDown) response.writeHead(500).end();
    else if (page !== null) response.writeHead(200, { 'content-type': 'text/html' }).end(page);
    else {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ keys: published }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return {
    url: `http://127.0.0.1:${address.port}/keys`,
    asked: () => asked,
    publish: (next: readonly object[]) => {
      published = next;
    },
    /** Serves this with status 200 instead of the keys. */
    show: (next: string | null) => {
      page = next;
    },
    fail: (fails: boolean) => {
      isDown = fails;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export async function publicJwk({ publicKey }: KeyPair, kid: string): Promise<object> {
  return { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' };
}

/** Signs with RS256, for five minutes, with these claims over the standard ones. */
export async function signToken(
  { privateKey }: KeyPair,
  claims: JWTPayload,
  { kid = 'k1', without = [] as readonly string[] } = {},
): Promise<string> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const standard = { iss: issuer, aud: audience, iat: nowSeconds, exp: nowSeconds + 300 };
  const entries = Object.entries({ ...standard, ...claims });
  const payload = Object.fromEntries(entries.filter(([name]) => !without.includes(name)));
  return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey);
}
