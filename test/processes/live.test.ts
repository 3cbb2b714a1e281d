import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtInProviders } from '../../providers/index.ts';
import { cardInput } from '../support/card-input.ts';
import { freePort } from '../support/free-port.ts';
import { checkMutation } from '../support/operations.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import {
  startLedgerProvider,
  startReplica,
  type LedgerProvider,
  type Replica,
} from '../support/replicas.ts';
import { until } from '../support/until.ts';

// With credentials. The provider is a server of this test.

let redis: RedisServer;
let provider: LedgerProvider;
let live: Replica;
let publicPort = 0;
const secret = 'the-secret-of-the-router';
const credentials = {
  TENCENT_CN_SECRET_ID: 'AKIDtest',
  TENCENT_CN_SECRET_KEY: 'test-key',
  PUBLIC_URL: 'https://idv.example',
  REDIRECT_ORIGINS: 'https://app.example',
};
const known = {
  'x-router-secret': secret,
  'x-tenant-id': 'tenant-1',
  'x-user-id': 'user-1',
  'x-scopes': 'verification:start verification:read bankcard:check',
};

beforeAll(async () => {
  [redis, provider] = await Promise.all([startRedis(), startLedgerProvider()]);
  publicPort = await freePort();
  live = await startReplica(redis.url, provider.url, {
    ...credentials,
    PUBLIC_PORT: String(publicPort),
    ROUTER_SECRETS: `an-older-secret-of-it,${secret}`,
    TRUST_IDENTITY_HEADERS: 'on',
  });
  await until(async () => (await send(check('warm'))).data?.checkBankCard?.check, 30_000);
}, 90_000);
afterAll(async () => {
  await live?.kill();
  await provider?.stop();
  await redis?.stop();
});

function check(name: string) {
  return { query: checkMutation, variables: { input: cardInput(name) } };
}

async function send(body: object, headers: Record<string, string | undefined> = known) {
  const given = Object.entries(headers).filter((one): one is [string, string] => Boolean(one[1]));
  const response = await fetch(`${live.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...Object.fromEntries(given) },
    body: JSON.stringify(body),
  });
  // Tests read deep into answers whose shape they assert.
  // oxlint-disable-next-line typescript/no-explicit-any
  const { data, errors } = (await response.json()) as { data: any; errors: any };
  return { status: response.status, data, errors };
}

describe('with credentials', () => {
  it('the real provider is called, and the result has sandbox: false', async () => {
    const { data } = await send(check('real'));
    expect(data.checkBankCard.check).toMatchObject({ outcome: 'MATCHED', sandbox: false });
    expect(provider.paidFor('real')).toBe(1);
  });

  it.each<[string, Record<string, string | undefined>]>([
    ['without a router secret', { ...known, 'x-router-secret': undefined }],
    ['with a wrong secret', { ...known, 'x-router-secret': 'the-secret-of-the-rooter' }],
    ['with a part of the secret', { ...known, 'x-router-secret': secret.slice(0, -1) }],
    [
      'with both secrets in one',
      { ...known, 'x-router-secret': `an-older-secret-of-it,${secret}` },
    ],
    ['without a tenant', { ...known, 'x-tenant-id': undefined }],
    ['without a user', { ...known, 'x-user-id': undefined }],
  ])('a request %s is rejected, also for the SDL', async (_name, headers) => {
    for (const body of [check('stranger'), { query: '{ _service { sdl } }' }]) {
      const { status, errors } = await send(body, headers);
      expect(status).toBe(401);
      expect(errors).toEqual([
        { message: 'The caller is not known.', extensions: { code: 'UNAUTHENTICATED' } },
      ]);
    }
    expect(provider.paidFor('stranger')).toBe(0);
  });

  it('both router secrets are accepted during a rotation', async () => {
    const older = { ...known, 'x-router-secret': 'an-older-secret-of-it' };
    expect((await send({ query: '{ __typename }' }, older)).status).toBe(200);
  });

  it('a request without the scope is forbidden', async () => {
    for (const scopes of [undefined, 'verification:read', 'bankcard:checks']) {
      const { errors } = await send(check('unscoped'), { ...known, 'x-scopes': scopes });
      expect(errors[0].extensions.code).toBe('FORBIDDEN');
    }
    expect(provider.paidFor('unscoped')).toBe(0);
  });

  it('the sandbox, GraphiQL and introspection are not served', async () => {
    for (const path of [
      '/sandbox/scenarios',
      '/sandbox/endpoints',
      '/sandbox/person/x',
      '/graphiql',
    ]) {
      expect((await fetch(`${live.url}${path}`)).status).toBe(404);
    }
    const introspected = await send({ query: '{ __schema { types { name } } }' });
    expect(introspected.errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it('the public port serves only URLs for people and providers', async () => {
    const open = `http://127.0.0.1:${publicPort}`;
    expect((await fetch(`${open}/return/made-up`)).status).toBe(410);
    for (const path of ['/graphql', '/metrics', '/health/ready']) {
      expect((await fetch(`${open}${path}`)).status).toBe(404);
    }
    expect((await fetch(`${open}/go/made-up`)).status).toBe(404);
    expect(await (await fetch(`${open}/go/made-up`)).text()).toContain('This link is not valid');
    for (const path of ['/return/made-up', '/go/made-up']) {
      expect(await (await fetch(`${live.url}${path}`)).text()).toBe('Not found\n');
    }
  });

  it('an operation with several chargeable fields is rejected without a charge', async () => {
    const input = (name: string) =>
      JSON.stringify(check(name).variables.input).replace(/"(\w+)":/gu, '$1:');
    const many = `mutation {
      a: checkBankCard(input: ${input('alias-1')}) { __typename }
      ... on Mutation { b: checkBankCard(input: ${input('alias-2')}) { __typename } }
      ...rest
    }
    fragment rest on Mutation { c: checkBankCard(input: ${input('alias-3')}) { __typename } }`;
    const { errors } = await send({ query: many });
    expect(errors[0].extensions.code).toBe('TOO_MANY_CHARGEABLE_FIELDS');
    for (const name of ['alias-1', 'alias-2', 'alias-3']) expect(provider.paidFor(name)).toBe(0);
  });

  it('providers without credentials are not enabled, with a reason', async () => {
    const { data } = await send({ query: '{ verificationProviders { id enabled reason } }' });
    expect(data.verificationProviders).toEqual(
      builtInProviders.map(({ id }) =>
        id === 'tencent-cn'
          ? { id, enabled: true, reason: null }
          : { id, enabled: false, reason: 'It has no credentials here.' },
      ),
    );
  });

  it('all keys of live records carry the live prefix', async () => {
    const keys = (await redis.command('KEYS', '*')) as string[];
    expect(keys.length).toBeGreaterThan(3);
    for (const key of keys) expect(key).toMatch(/^(?:vs:live:|\{vs:live\}:)/u);
  });

  it('an evicting Redis stops the boot, unless STORE_ALLOW_EVICTION is on', async () => {
    const forgetful = await startRedis(['--maxmemory-policy', 'allkeys-lru']);
    const env = {
      PATH: process.env['PATH'] ?? '',
      ...credentials,
      REDIS_URL: forgetful.url,
      STORE_HASH_KEYS: `h1:${Buffer.alloc(32, 7).toString('base64')}`,
      STORE_ENCRYPTION_KEYS: `e1:${Buffer.alloc(32, 7).toString('base64')}`,
      ROUTER_SECRETS: secret,
      TRUST_IDENTITY_HEADERS: 'on',
      PORT: String(await freePort()),
      PUBLIC_PORT: String(await freePort()),
    };
    const child = spawn(process.execPath, ['src/main.ts'], { env });
    let text = '';
    child.stderr.on('data', (chunk) => {
      text += String(chunk);
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code).toBe(1);
    expect(text).toContain('maxmemory-policy');
    const allowed = await startReplica(forgetful.url, provider.url, {
      ...env,
      STORE_ALLOW_EVICTION: 'on',
      PUBLIC_PORT: String(await freePort()),
      PORT: env.PORT,
    });
    await allowed.kill();
    await forgetful.stop();
  }, 60_000);
});
