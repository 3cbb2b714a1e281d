import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { generateKeyPair } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cardInput } from '../support/card-input.ts';
import { freePort } from '../support/free-port.ts';
import { startHttpProxy, type HttpProxy } from '../support/http-proxy.ts';
import {
  audience,
  issuer,
  publicJwk,
  signToken,
  startIdentityProvider,
  type KeyPair,
} from '../support/identity-provider.ts';
import { checkMutation } from '../support/operations.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startReplica, type Replica } from '../support/replicas.ts';
import { until } from '../support/until.ts';

// With credentials, a provider over TLS and a key set over http, both on loopback.

const certificate = 'test/support/tls/cert.pem';
const login = 'proxy-user:p%40ss';
const secret = 'the-secret-of-the-router';

let redis: RedisServer;
let keys: KeyPair;
let identity: Awaited<ReturnType<typeof startIdentityProvider>>;
let provider: { readonly port: number; readonly calls: () => number; readonly server: Server };
let proxy: HttpProxy;
const replicas: Replica[] = [];

beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true });
  [redis, identity, provider, proxy] = await Promise.all([
    startRedis(),
    publicJwk(keys, 'k1').then((key) => startIdentityProvider([key])),
    startTlsProvider(),
    startHttpProxy('proxy-user:p@ss'),
  ]);
});
afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.kill()));
});
afterAll(async () => {
  await Promise.all([redis?.stop(), identity?.stop(), proxy?.stop()]);
  provider?.server.closeAllConnections();
  provider?.server.close();
});

async function startTlsProvider(): Promise<typeof provider> {
  let calls = 0;
  const tls = {
    cert: readFileSync(certificate),
    key: readFileSync('test/support/tls/key.pem'),
  };
  const server = createServer(tls, (request, response) => {
    request.resume().once('end', () => {
      calls += 1;
      response.end(JSON.stringify({ Response: { Result: '0', RequestId: 'r-1' } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return { port: address.port, calls: () => calls, server };
}

/** The answer to one card check by a replica with these variables. */
async function checkWith(key: string, env: Readonly<Record<string, string>>) {
  const replica = await startReplica(redis.url, `https://localhost:${provider.port}`, {
    TENCENT_CN_SECRET_ID: 'AKIDtest',
    TENCENT_CN_SECRET_KEY: 'test-key',
    PUBLIC_URL: 'https://idv.example',
    PUBLIC_PORT: String(await freePort()),
    REDIRECT_ORIGINS: 'https://app.example',
    ROUTER_SECRETS: secret,
    JWT_JWKS_URL: identity.url,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
    NODE_EXTRA_CA_CERTS: certificate,
    ...env,
  });
  replicas.push(replica);
  const claims = { sub: 'ann', tenant: 'acme', scope: 'bankcard:check' };
  const authorization = `Bearer ${await signToken(keys, claims)}`;
  return until(async () => {
    const response = await fetch(`${replica.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-router-secret': secret, authorization },
      body: JSON.stringify({ query: checkMutation, variables: { input: cardInput(key, key) } }),
    });
    // Tests read deep into answers whose shape they assert.
    // oxlint-disable-next-line typescript/no-explicit-any
    const { data } = (await response.json()) as { data?: any };
    const answer = data?.checkBankCard;
    // Calls wait until a new Redis is a second old, and a busy process sheds.
    return answer?.check || answer?.code === 'PROVIDER_UNAVAILABLE' ? answer : null;
  }, 60_000);
}

describe('a company’s proxy', () => {
  const proxies = () => ({
    HTTPS_PROXY: `http://${login}@127.0.0.1:${proxy.port}`,
    http_proxy: `http://${login}@127.0.0.1:${proxy.port}`,
  });
  const identityHost = () => new URL(identity.url).host;

  it('is not used unless it is asked for', async () => {
    const before = provider.calls();
    const { check } = await checkWith('unasked', proxies());
    expect(check.outcome).toBe('MATCHED');
    expect(provider.calls()).toBe(before + 1);
    expect(proxy.tunnels).toEqual([]);
  });

  it('carries the calls to providers and the fetch of the key set', async () => {
    const { check } = await checkWith('asked', { ...proxies(), NODE_USE_ENV_PROXY: '1' });
    expect(check.outcome).toBe('MATCHED');
    expect(new Set(proxy.tunnels)).toEqual(new Set([`localhost:${provider.port}`, identityHost()]));
  });

  it('is not used for the hosts in NO_PROXY', async () => {
    const before = proxy.tunnels.length;
    const { check } = await checkWith('except', {
      ...proxies(),
      ...{ NODE_USE_ENV_PROXY: '1', NO_PROXY: `localhost,${identityHost()}` },
    });
    expect(check.outcome).toBe('MATCHED');
    expect(proxy.tunnels).toHaveLength(before);
  });

  it('that refuses us sends nothing and costs nothing', async () => {
    const before = provider.calls();
    const answer = await checkWith('refused', {
      ...proxies(),
      ...{ NODE_USE_ENV_PROXY: '1', NO_PROXY: identityHost() },
      HTTPS_PROXY: `http://proxy-user:wrong@127.0.0.1:${proxy.port}`,
    });
    expect(answer).toMatchObject({
      ...{ code: 'PROVIDER_UNAVAILABLE', billing: 'NOT_CHARGED', retry: 'SAME_KEY' },
    });
    expect(provider.calls()).toBe(before);
  });

  it('that takes the connection and stays silent sends nothing and costs nothing, each time', async () => {
    const silent = createTcpServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const before = provider.calls();
    try {
      for (const key of ['silent-1', 'silent-2']) {
        const answer = await checkWith(key, {
          ...{ NODE_USE_ENV_PROXY: '1', NO_PROXY: identityHost() },
          HTTPS_PROXY: `http://127.0.0.1:${port}`,
        });
        expect(answer).toMatchObject({
          ...{ code: 'PROVIDER_UNAVAILABLE', billing: 'NOT_CHARGED', retry: 'SAME_KEY' },
        });
      }
    } finally {
      silent.close();
    }
    expect(provider.calls()).toBe(before);
  });
});
