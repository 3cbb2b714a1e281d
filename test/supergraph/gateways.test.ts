import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSupergraph } from '../../examples/supergraph/start-supergraph.ts';
import { cardInput } from '../support/card-input.ts';
import { freePort } from '../support/free-port.ts';
import {
  audience,
  issuer,
  publicJwk,
  signToken,
  startIdentityProvider,
  type KeyPair,
} from '../support/identity-provider.ts';
import {
  checkMutation,
  redactVerificationMutation,
  startMutation,
  verificationQuery,
} from '../support/operations.ts';
import { until } from '../support/until.ts';

// The supergraph of examples/supergraph, behind two gateways. Apollo's tells the subgraph who calls by
// headers, Hive's forwards the caller's token.

type Texts = Readonly<Record<string, string>>;

const scopes = 'verification:start verification:read bankcard:check verification:redact';
let keys: KeyPair;
let identities: Awaited<ReturnType<typeof startIdentityProvider>>;
let supergraph: Awaited<ReturnType<typeof startSupergraph>>;
let hive: Awaited<ReturnType<typeof startHive>>;

beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true });
  identities = await startIdentityProvider([await publicJwk(keys, 'k1')]);
  supergraph = await startWhole();
  hive = await startHive(supergraph.supergraphSdl, supergraph.routerSecret);
}, 120_000);
afterAll(async () => {
  await hive?.stop();
  await supergraph?.stop();
  await identities?.stop();
});

async function startWhole() {
  const ports = await Promise.all(Array.from({ length: 4 }, freePort));
  const [gateway = 0, apollo = 0, accounts = 0, verification = 0] = ports;
  const env = {
    PUBLIC_URL: `http://localhost:${verification}`,
    JWT_JWKS_URL: identities.url,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
  };
  return startSupergraph({ gateway, apollo, accounts, verification }, env);
}

/** Hive Gateway as its own process, with the configuration that the example recommends. */
async function startHive(supergraphSdl: string, routerSecret: string, env: Texts = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'hive-'));
  writeFileSync(join(folder, 'supergraph.graphql'), supergraphSdl);
  const port = await freePort();
  const args = ['test/support/run-hive-gateway.ts', join(folder, 'supergraph.graphql')];
  const child: ChildProcess = spawn(process.execPath, [...args, String(port)], {
    env: { PATH: process.env['PATH'] ?? '', ROUTER_SECRET: routerSecret, ...env },
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}/graphql`;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(
      () =>
        fetch(`http://127.0.0.1:${port}/readiness`).then(
          ({ ok }) => ok,
          () => false,
        ),
      60_000,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

type Send = (
  query: string,
  variables?: object,
  userId?: string,
  // Tests read deep into answers whose shape they assert.
  // oxlint-disable-next-line typescript/no-explicit-any
) => Promise<{ readonly data: any; readonly errors: any; readonly text: string }>;

/** Like a client, it repeats what a busy subgraph refused with 503. */
async function post(url: string, body: object, headers: Readonly<Record<string, string>>) {
  return until(async () => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    // oxlint-disable-next-line typescript/no-explicit-any
    const { data, errors } = JSON.parse(text) as { data: any; errors: any };
    const isRefused = !data && /SERVICE_UNAVAILABLE|503/u.test(text);
    return isRefused ? null : { data, errors, text };
  }, 30_000);
}

const gateways: [string, Send][] = [
  [
    'Apollo Gateway',
    (query, variables = {}, userId = 'ann') =>
      post(supergraph.apollo.url, { query, variables }, { 'x-user-id': userId }),
  ],
  [
    'Hive Gateway',
    async (query, variables = {}, userId = 'ann') => {
      const token = await signToken(keys, { sub: userId, tenant: 'acme', scope: scopes });
      return post(hive.url, { query, variables }, { authorization: `Bearer ${token}` });
    },
  ],
];

const joinQuery = `query ($checks: [VerificationCheckKind!]) {
  users {
    id name
    latestPassedVerification(checks: $checks, maxAgeDays: 1) { id status provider { id title } }
    verifications(first: 5) { edges { node { id provider { id } } } pageInfo { hasNextPage } }
  }
}`;

describe.each(gateways)('through %s', (name, send) => {
  const key = (text: string): string => `${name} ${text}`;

  async function pass(userId: string, idempotencyKey: string): Promise<string> {
    const input = { idempotencyKey: key(idempotencyKey), channel: 'E_ID' };
    const { data } = await send(startMutation, { input }, userId);
    const { id, launch } = data.startVerification.verification;
    await fetch(launch.url);
    const body = new URLSearchParams({ act: 'pass' });
    await fetch(launch.url, { method: 'POST', body, redirect: 'manual' });
    await until(async () => {
      const { data: now } = await send(verificationQuery, { id }, userId);
      return now.verification.status === 'PASSED';
    });
    return id;
  }

  it('a query joins users of accounts with their verifications', async () => {
    const id = await pass('ann', 'joined');
    const { data, errors } = await send(joinQuery, { checks: ['FACE_MATCH'] });
    expect(errors).toBeUndefined();
    expect(data.users.map((user: { name: string }) => user.name)).toEqual(['Ann', 'Bob', 'Cas']);
    const [ann, bob] = data.users;
    expect(ann.latestPassedVerification).toMatchObject({
      ...{ id, status: 'PASSED' },
      provider: { id: 'tencent-cn', title: expect.any(String) },
    });
    expect(ann.verifications.edges[0].node.id).toBe(id);
    // Ann sees none of Bob's verifications.
    expect(bob).toMatchObject({
      latestPassedVerification: null,
      verifications: { edges: [], pageInfo: { hasNextPage: false } },
    });
  });

  it('a verification leads to its user’s name, and back', async () => {
    const id = await pass('bob', 'named');
    const query = `query ($id: ID!) {
      verification(id: $id) { id user { name email latestPassedVerification { id } } }
    }`;
    const { data } = await send(query, { id }, 'bob');
    expect(data.verification).toEqual({
      id,
      user: { name: 'Bob', email: 'bob@acme.example', latestPassedVerification: { id } },
    });
    const foreign = await send(query, { id }, 'cas');
    expect(foreign.data).toEqual({ verification: null });
    expect(foreign.errors).toBeUndefined();
  });

  it('problems are data, by interface and by type', async () => {
    const wrong = { idempotencyKey: '', channel: 'FACE_WEB', redirectUrl: 'javascript:alert(1)' };
    const { data, errors } = await send(startMutation, { input: { ...wrong, provider: 'nobody' } });
    expect(errors).toBeUndefined();
    expect(data.startVerification).toMatchObject({
      ...{ __typename: 'VerificationInputProblem', code: 'INVALID_INPUT', retry: 'SAME_KEY' },
    });
    const paths = data.startVerification.fields.map(({ path }: { path: string }) => path);
    expect(paths.toSorted()).toEqual(['idempotencyKey', 'provider', 'redirectUrl']);
    const { data: absent } = await send(redactVerificationMutation, { id: 'ver_none' });
    expect(absent.redactVerification).toMatchObject({ code: 'NOT_FOUND', retry: 'NONE' });
  });

  it('one provider’s options are accepted, and two or unknown ones are rejected', async () => {
    const base = { channel: 'E_ID', subject: { name: '韦小宝', idNumber: '11204416541220243X' } };
    const start = (idempotencyKey: string, options: object) =>
      send(startMutation, { input: { ...base, idempotencyKey: key(idempotencyKey), options } });
    const right = await start('one', { tencentCnEId: { inputType: 'CALLER_PASSES' } });
    expect(right.data.startVerification.__typename).toBe('StartVerificationSuccess');
    const two = { tencentCnEId: {}, oemcloudFace: {} };
    for (const options of [two, {}]) {
      const { data, errors } = await start('wrong', options);
      // A gateway that knows @oneOf rejects it, otherwise the subgraph does. Neither starts anything.
      const refused = data?.startVerification?.fields?.[0]?.path ?? errors?.[0]?.message;
      expect(refused).toBeDefined();
      expect(data?.startVerification?.verification).toBeUndefined();
    }
  });

  it('an image of 8 MB is accepted', async () => {
    const referenceImage = 'A'.repeat(8 * 1024 * 1024);
    const input = { idempotencyKey: key('image'), channel: 'FACE_SDK', referenceImage };
    const { data } = await send(startMutation, { input });
    expect(data.startVerification.__typename).toBe('StartVerificationSuccess');
    expect(data.startVerification.verification.launch.__typename).toBe('VerificationSdkToken');
  });

  it('a card check is paid once for its key', async () => {
    const input = {
      idempotencyKey: key('card'),
      subject: { name: '韦小宝', idNumber: '11204416541220243X' },
      ...{ cardNumber: '6225768888888888', phone: '16137688175' },
    };
    const { data: first } = await send(checkMutation, { input });
    const { data: again } = await send(checkMutation, { input });
    expect(first.checkBankCard.check.outcome).toBe('MATCHED');
    expect(again.checkBankCard).toMatchObject({
      ...{ replayed: true, check: { id: first.checkBankCard.check.id } },
    });
  });

  it('errors have fixed texts and codes, and repeat no input', async () => {
    const { data, errors, text } = await send(
      'query { users { id verifications(first: 500) { edges { cursor } } } }',
    );
    expect(data.users.map(({ id }: { id: string }) => id)).toEqual(['ann', 'bob', 'cas']);
    expect(data.users[0].verifications).toBeNull();
    expect(errors[0].extensions.code).toBe('BAD_USER_INPUT');
    expect(text).not.toContain('500');
  });
});

describe('without this subgraph', () => {
  it('both gateways still return the data of accounts', async () => {
    const other = await startWhole();
    const otherHive = await startHive(other.supergraphSdl, other.routerSecret);
    try {
      await other.verification.stop();
      const token = await signToken(keys, { sub: 'ann', tenant: 'acme', scope: scopes });
      const asked = [
        post(other.apollo.url, { query: joinQuery }, { 'x-user-id': 'ann' }),
        post(otherHive.url, { query: joinQuery }, { authorization: `Bearer ${token}` }),
      ];
      for (const { data, errors } of await Promise.all(asked)) {
        expect(data.users.map((user: { name: string }) => user.name)).toEqual([
          'Ann',
          'Bob',
          'Cas',
        ]);
        expect(data.users[0].latestPassedVerification).toBeNull();
        expect(errors.length).toBeGreaterThan(0);
      }
    } finally {
      await otherHive.stop();
      await other.apollo.stop();
      await other.accounts.stop();
    }
  });
});

describe('a gateway that enforces scopes and costs', () => {
  let strict: Awaited<ReturnType<typeof startHive>>;
  beforeAll(async () => {
    await supergraph.stop();
    supergraph = await startWhole();
    const { supergraphSdl, routerSecret } = supergraph;
    strict = await startHive(supergraphSdl, routerSecret, { JWKS_URL: identities.url });
  }, 120_000);
  afterAll(() => strict?.stop());

  const send = async (query: string, variables: object, scope: string | null) => {
    const token =
      scope === null ? null : await signToken(keys, { sub: 'ann', tenant: 'acme', scope });
    const headers: Texts = token === null ? {} : { authorization: `Bearer ${token}` };
    return post(strict.url, { query, variables }, headers);
  };
  /** How many mutations have reached the subgraph. */
  const reached = async (): Promise<number> => {
    const text = await (await fetch(`${supergraph.verification.config.publicUrl}/metrics`)).text();
    return [...text.matchAll(/^verification_operations_total\{.*\} (\d+)$/gmu)]
      .map(([, count]) => Number(count))
      .reduce((sum, count) => sum + count, 0);
  };

  it('refuses a mutation without its scope before the subgraph is asked', async () => {
    const input = cardInput('ann', 'strict');
    const before = await reached();
    for (const scope of [null, 'verification:read verification:start']) {
      const { data, text } = await send(checkMutation, { input }, scope);
      expect(data?.checkBankCard ?? null).toBeNull();
      expect(text).toContain('UNAUTHORIZED_FIELD_OR_TYPE');
    }
    expect(await reached()).toBe(before);
    const { data } = await send(checkMutation, { input }, 'bankcard:check verification:read');
    expect(data.checkBankCard).toMatchObject({ check: { outcome: 'MATCHED' } });
    expect(await reached()).toBe(before + 1);
  });

  it('refuses fields for callers who are not known, and answers the rest', async () => {
    const query = '{ verificationProviders { id } users { id } }';
    const { data, text } = await send(query, {}, null);
    expect(text).toContain('UNAUTHORIZED_FIELD_OR_TYPE');
    expect(data).toMatchObject({ users: [{ id: 'ann' }, { id: 'bob' }, { id: 'cas' }] });
    expect(data.verificationProviders ?? null).toBeNull();
    const known = await send(query, {}, 'verification:read');
    expect(known.data.verificationProviders.length).toBeGreaterThan(0);
  });

  it('refuses a query whose lists are too long', async () => {
    const page = (first: number) => `{ users { verifications(first: ${first}) {
      edges { node { id calls { action } } } } } }`;
    const wide = await send(page(100), {}, 'verification:read');
    expect(wide.text).toContain('COST_ESTIMATED_TOO_EXPENSIVE');
    const narrow = await send(page(3), {}, 'verification:read');
    expect(narrow.errors).toBeUndefined();
  });
});
