import { request } from 'node:http';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
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
  redactUserMutation,
  redactVerificationMutation,
  startMutation,
  userQuery,
  verificationQuery,
} from '../support/operations.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const secret = 'the-secret-of-the-router';
const allScopes = 'verification:start verification:read bankcard:check verification:redact';
const whoQuery = '{ verificationProviders { id } }';

let keys: KeyPair;
let otherKeys: KeyPair;
let unlistedKeys: KeyPair;
let provider: Awaited<ReturnType<typeof startIdentityProvider>>;
let app: TestApp;

beforeAll(async () => {
  [keys, otherKeys] = await Promise.all([
    generateKeyPair('RS256', { extractable: true }),
    generateKeyPair('RS256', { extractable: true }),
  ]);
  unlistedKeys = await generateKeyPair('ML-DSA-44', { extractable: true });
  const unlisted = { ...(await exportJWK(unlistedKeys.publicKey)), kid: 'k3', alg: 'ML-DSA-44' };
  provider = await startIdentityProvider([await publicJwk(keys, 'k1'), unlisted]);
  app = await startWithTokens();
});
afterAll(async () => {
  await app?.stop();
  await provider?.stop();
});
afterEach(() => {
  vi.useRealTimers();
});

function startWithTokens(env: Record<string, string> = {}): Promise<TestApp> {
  return startTestApp({
    env: {
      ROUTER_SECRETS: secret,
      JWT_JWKS_URL: provider.url,
      JWT_ISSUER: issuer,
      JWT_AUDIENCE: audience,
      JWT_CLAIMS: 'tenant=org,user=sub,scopes=permissions',
      ...env,
    },
  });
}

interface Token {
  readonly claims?: JWTPayload;
  readonly without?: readonly string[];
  readonly kid?: string;
  readonly by?: KeyPair;
}

const claimsOfAnn = { sub: 'ann', org: 'acme', permissions: allScopes };

function sign({ claims = {}, without = [], kid = 'k1', by = keys }: Token = {}) {
  return signToken(by, { ...claimsOfAnn, ...claims }, { kid, without });
}

const bearer = (token: string, more: Record<string, string> = {}) => ({
  'x-router-secret': secret,
  authorization: `Bearer ${token}`,
  ...more,
});
const headersOf = async (userId: string, tenantId = 'acme', permissions = allScopes) =>
  bearer(await sign({ claims: { sub: userId, org: tenantId, permissions } }));

describe('a forwarded access token', () => {
  it('identifies the caller and the scopes', async () => {
    const input = { idempotencyKey: 'k', channel: 'E_ID' };
    const { data } = await app.send(startMutation, { input }, await headersOf('ann'));
    expect(data.startVerification.verification.user).toEqual({ id: 'ann' });
    const reader = await headersOf('ann', 'acme', 'verification:read');
    const refused = await app.send(startMutation, { input }, reader);
    expect(refused.data).toEqual({ startVerification: null });
    expect(refused.errors[0].extensions.code).toBe('FORBIDDEN');
    const listed = bearer(await sign({ claims: { permissions: ['verification:start'] } }));
    const again = await app.send(startMutation, { input }, listed);
    expect(again.data.startVerification.replayed).toBe(true);
  });

  it('grants no scope by a part of another name', async () => {
    const input = { idempotencyKey: 'parts', channel: 'E_ID' };
    for (const permissions of [
      'foo,verification:start',
      ['x verification:start'],
      ['verification:start,x'],
      { 'verification:start': true },
      'verification:starter',
    ]) {
      const headers = bearer(await sign({ claims: { permissions } }));
      const { errors } = await app.send(startMutation, { input }, headers);
      expect(errors[0].extensions.code).toBe('FORBIDDEN');
    }
  });

  it('is accepted with several audiences when ours is among them', async () => {
    const several = await sign({ claims: { aud: ['somebody-else', audience] } });
    expect((await app.send(whoQuery, {}, bearer(several))).status).toBe(200);
  });

  const inOneHour = Math.floor(Date.now() / 1000) + 3600;
  const bad: [string, () => Promise<string>][] = [
    ['has expired', () => sign({ claims: { exp: inOneHour - 7200 } })],
    ['has no expiry', () => sign({ without: ['exp'] })],
    ['is not valid yet', () => sign({ claims: { nbf: inOneHour } })],
    ['is by another issuer', () => sign({ claims: { iss: 'https://id.evil.example/' } })],
    ['names no issuer', () => sign({ without: ['iss'] })],
    ['is for another audience', () => sign({ claims: { aud: 'another-graph' } })],
    ['names no audience', () => sign({ without: ['aud'] })],
    ['is signed by another key', () => sign({ by: otherKeys })],
    ['names an unknown key', () => sign({ kid: 'unknown', by: otherKeys })],
    ['names no user', () => sign({ without: ['sub'] })],
    ['names no tenant', () => sign({ without: ['org'] })],
    ['names an empty user', () => sign({ claims: { sub: '' } })],
    ['names a tenant that is a number', () => sign({ claims: { org: 5 } })],
    ['names a user id that is too long', () => sign({ claims: { sub: 'a'.repeat(256) } })],
    ['is too long', () => sign({ claims: { more: 'a'.repeat(9000) } })],
    ['is garbage', async () => 'a.b.c'],
    ['is not signed', async () => unsigned('none', '')],
    ['is an HMAC with the public key', () => signedByPublicKey()],
    ['is signed with an algorithm that is not allowed', () => signedByUnlisted()],
    [
      'was changed',
      async () => {
        const [head, , signature] = (await sign()).split('.');
        const [, body] = (await sign({ claims: { sub: 'bob' }, by: otherKeys })).split('.');
        return [head, body, signature].join('.');
      },
    ],
  ];

  it.each(bad)('that %s is rejected, whatever the headers say', async (_name, make) => {
    const headers = bearer(await make(), { 'x-tenant-id': 'acme', 'x-user-id': 'ann' });
    // Node itself rejects headers of more than 16 KB, which is fine too.
    const { status, data, errors, text } = await app.send(whoQuery, {}, headers);
    expect(status).toBe(401);
    expect(data).toBeUndefined();
    expect(errors).toEqual([
      { message: 'The caller is not known.', extensions: { code: 'UNAUTHENTICATED' } },
    ]);
    expect(text).not.toContain('ann');
  });

  it.each([
    ['without one', {}],
    ['with an empty one', { authorization: 'Bearer ' }],
    ['with a password', { authorization: 'Basic YWRtaW46YWRtaW4=' }],
    ['with identity headers instead', { 'x-tenant-id': 'acme', 'x-user-id': 'ann' }],
  ])('is required: a request %s is rejected', async (_name, headers) => {
    const { status } = await app.send(whoQuery, {}, { 'x-router-secret': secret, ...headers });
    expect(status).toBe(401);
  });

  it('is rejected without the router’s secret, also for SDL and entities', async () => {
    const token = await sign();
    const entities = '{ _entities(representations: []) { __typename } }';
    for (const query of [whoQuery, '{ _service { sdl } }', entities]) {
      const headers = { authorization: `Bearer ${token}` };
      expect((await app.send(query, {}, headers)).status).toBe(401);
      const wrong = { ...headers, 'x-router-secret': `${secret}x` };
      expect((await app.send(query, {}, wrong)).status).toBe(401);
      expect((await app.send(query, {}, bearer(token))).status).toBe(200);
    }
  });

  it('may be absent only when identity headers are trusted, and is never ignored when it is invalid', async () => {
    const trusting = await startWithTokens({ TRUST_IDENTITY_HEADERS: 'on' });
    try {
      const named = { 'x-router-secret': secret, 'x-tenant-id': 'acme', 'x-user-id': 'ann' };
      expect((await trusting.send(whoQuery, {}, named)).status).toBe(200);
      const { authorization: forged } = bearer(await sign({ by: otherKeys }));
      for (const authorization of [forged, 'Basic YWRtaW46YWRtaW4=', 'Bearer']) {
        expect((await trusting.send(whoQuery, {}, { ...named, authorization })).status).toBe(401);
      }
    } finally {
      await trusting.stop();
    }
  });

  it('with a made-up key id causes at most one fetch of the keys', async () => {
    const before = provider.asked();
    const tokens = await Promise.all(
      Array.from({ length: 60 }, (_, at) => sign({ kid: `made-up-${at}`, by: otherKeys })),
    );
    const answers = await Promise.all(tokens.map((token) => app.send(whoQuery, {}, bearer(token))));
    for (const { status } of answers) expect(status).toBe(401);
    expect(provider.asked() - before).toBeLessThanOrEqual(1);
  });

  it('is accepted with a newly published key after 31 seconds, and rejected with a withdrawn key after ten minutes', async () => {
    const long = await startWithTokens();
    const statusOf = async (token: Token) =>
      (await long.send(whoQuery, {}, bearer(await sign(token)))).status;
    try {
      expect(await statusOf({})).toBe(200);
      provider.publish([await publicJwk(otherKeys, 'k2')]);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });
      expect(await statusOf({ kid: 'k2', by: otherKeys })).toBe(200);
      provider.publish([await publicJwk(keys, 'k1')]);
      vi.setSystemTime(Date.now() + 601_000);
      expect(await statusOf({ kid: 'k2', by: otherKeys })).toBe(401);
    } finally {
      vi.useRealTimers();
      provider.publish([await publicJwk(keys, 'k1')]);
      await long.stop();
    }
  });

  it('gets SERVICE_UNAVAILABLE while the keys cannot be fetched, with at most three fetches', async () => {
    const lonely = await startWithTokens();
    const before = provider.asked();
    provider.fail(true);
    try {
      const headers = bearer(await sign());
      const answers = await Promise.all(
        Array.from({ length: 30 }, () => lonely.sendOnce(whoQuery, {}, headers)),
      );
      for (const { status, errors } of answers) {
        expect(status).toBe(503);
        expect(errors[0].extensions.code).toBe('SERVICE_UNAVAILABLE');
      }
      for (let time = 0; time < 20; time++) await lonely.sendOnce(whoQuery, {}, headers);
      expect(provider.asked() - before).toBeLessThanOrEqual(3);
    } finally {
      provider.fail(false);
      await lonely.stop();
    }
  });

  it.each([
    ['a page', '<html>'],
    ['an invalid key set', '{"keys":5}'],
    ['nothing', ''],
    ['a key set that is too large', `{"keys":[],"more":"${'x'.repeat(2 * 1024 * 1024)}"}`],
  ])('gets 503 while %s is published in place of the keys', async (_name, page) => {
    const lonely = await startWithTokens();
    const before = provider.asked();
    provider.show(page);
    try {
      const headers = bearer(await sign());
      for (let time = 0; time < 20; time++) {
        expect((await lonely.sendOnce(whoQuery, {}, headers)).status).toBe(503);
      }
      expect(provider.asked() - before).toBeLessThanOrEqual(3);
    } finally {
      provider.show(null);
      provider.fail(false);
      await lonely.stop();
    }
  });
});

function unsigned(alg: string, signature: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: issuer, aud: audience, exp: 4_000_000_000, ...claimsOfAnn };
  return `${part({ alg, kid: 'k1' })}.${part(claims)}.${signature}`;
}

/** A known attack: an HMAC whose secret is the public key. */
async function signedByPublicKey(): Promise<string> {
  const pem = new TextEncoder().encode(await exportSPKI(keys.publicKey));
  const claims = { iss: issuer, aud: audience, exp: 4_000_000_000, ...claimsOfAnn };
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(pem);
}

/** Signed by a published key with an algorithm that is not expected here. */
async function signedByUnlisted(): Promise<string> {
  const claims = { iss: issuer, aud: audience, exp: 4_000_000_000, ...claimsOfAnn };
  const header = { alg: 'ML-DSA-44', kid: 'k3' };
  return new SignJWT(claims).setProtectedHeader(header).sign(unlistedKeys.privateKey);
}

describe('trusted identity headers', () => {
  let trusting: TestApp;
  beforeAll(async () => {
    trusting = await startTestApp({
      env: { ROUTER_SECRETS: secret, TRUST_IDENTITY_HEADERS: 'on' },
    });
  });
  afterAll(() => trusting.stop());

  /** Sends raw headers, also repeated ones. */
  function statusOf(headers: Readonly<Record<string, string | string[]>>): Promise<number> {
    const identity = { 'x-router-secret': secret, 'x-tenant-id': 'acme', 'x-user-id': 'ann' };
    return new Promise((resolve, reject) => {
      const given = { 'content-type': 'application/json', ...identity, ...headers };
      const asking = request(
        `${trusting.url}/graphql`,
        { method: 'POST', headers: given },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        },
      );
      asking.on('error', reject);
      asking.end('{"query":"{ __typename }"}');
    });
  }

  it('are rejected when one of them occurs twice', async () => {
    expect(await statusOf({})).toBe(200);
    for (const name of ['x-tenant-id', 'x-user-id', 'x-scopes', 'x-router-secret']) {
      expect(await statusOf({ [name]: ['ann', 'verification:any-user'] }), name).toBe(401);
    }
  });

  it('are rejected for a name that could be read as another one', async () => {
    const asBytes = Buffer.from('韦小宝', 'utf8').toString('latin1');
    for (const name of [asBytes, 'é', '\u00a0', 'a\tb']) {
      expect(await statusOf({ 'x-user-id': name })).toBe(401);
    }
    expect(await statusOf({ 'x-user-id': 'Ann of Acme' })).toBe(200);
  });

  it('may hold many scopes', async () => {
    expect(await statusOf({ 'x-scopes': 'other:scope '.repeat(100).trim() })).toBe(200);
  });
});

describe('two tenants and two users', () => {
  const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
  const strangers: [string, string][] = [
    ['bob', 'acme'],
    ['ann', 'globex'],
    ['bob', 'globex'],
  ];
  let verificationId = '';
  let checkId = '';

  beforeAll(async () => {
    const ann = await headersOf('ann');
    const input = { idempotencyKey: 'mine', channel: 'E_ID', extra: 'private' };
    const { data: started } = await app.send(startMutation, { input }, ann);
    verificationId = started.startVerification.verification.id;
    const card = { cardNumber: '6225768888888888', phone: '16137688175' };
    const checked = await app.send(
      checkMutation,
      { input: { idempotencyKey: 'mine', subject, ...card } },
      ann,
    );
    checkId = checked.data.checkBankCard.check.id;
  });

  const absentVerification = `ver_${'A'.repeat(22)}`;
  const absentCheck = `bcc_${'A'.repeat(22)}`;
  const representation = (id: string) => ({
    __typename: id.startsWith('ver_') ? 'Verification' : 'BankCardCheck',
    id,
  });
  const entitiesQuery = `query ($r: [_Any!]!) {
    _entities(representations: $r) { __typename ... on Verification { id status } ... on BankCardCheck { id code } }
  }`;
  const reads: [string, (id: string) => [string, object]][] = [
    ['verification', (id) => [verificationQuery, { id }]],
    ['redactVerification', (id) => [redactVerificationMutation, { id }]],
    ['an entity reference', (id) => [entitiesQuery, { r: [representation(id)] }]],
  ];

  it.each(strangers)('%s of %s cannot tell Ann’s records from absent ones', async (...who) => {
    const headers = await headersOf(...who);
    for (const [name, ask] of reads) {
      const foreign = await app.send(...ask(verificationId), headers);
      const absent = await app.send(...ask(absentVerification), headers);
      expect(foreign.text, name).toBe(absent.text);
      expect(foreign.status).toBe(absent.status);
    }
    const checkQuery = 'query ($id: ID!) { bankCardCheck(id: $id) { id code } }';
    for (const [query, variables] of [
      [checkQuery, (id: string) => ({ id })],
      [entitiesQuery, (id: string) => ({ r: [representation(id)] })],
    ] as const) {
      const foreign = await app.send(query, variables(checkId), headers);
      const absent = await app.send(query, variables(absentCheck), headers);
      expect(foreign.text).toBe(absent.text);
    }
  });

  it('Ann sees the records that others cannot see', async () => {
    const ann = await headersOf('ann');
    for (const [name, ask] of reads) {
      if (name === 'redactVerification') continue;
      const { text } = await app.send(...ask(verificationId), ann);
      expect(text, name).toContain(verificationId);
    }
    const { text } = await app.send(entitiesQuery, { r: [representation(checkId)] }, ann);
    expect(text).toContain('"code":"0"');
  });

  it('a stranger cannot tell by any deadline how many records Ann has', async () => {
    const bob = await headersOf('bob');
    for (const deadline of ['0', '1', '50', '']) {
      const headers = { ...bob, 'x-request-deadline-ms': deadline };
      const ask = async (id: string) => {
        const users = [{ __typename: 'User', id }];
        const { text } = await app.send(userQuery, { users }, headers);
        return text.replaceAll(id, 'somebody');
      };
      expect(await ask('ann')).toBe(await ask('nobody'));
    }
  });

  it('entity references require the scope for reading, as queries do', async () => {
    const headers = await headersOf('ann', 'acme', 'verification:start');
    for (const id of [verificationId, checkId]) {
      const { data, errors } = await app.send(entitiesQuery, { r: [representation(id)] }, headers);
      expect(data._entities).toEqual([null]);
      expect(errors[0].extensions.code).toBe('FORBIDDEN');
    }
    for (const query of [
      `{ verification(id: "${verificationId}") { id } }`,
      `{ bankCardCheck(id: "${checkId}") { id } }`,
    ]) {
      const { errors } = await app.send(query, {}, headers);
      expect(errors[0].extensions.code).toBe('FORBIDDEN');
    }
  });

  it.each(strangers)('%s of %s gets nothing by Ann’s keys, list or user id', async (...who) => {
    const headers = await headersOf(...who);
    const input = { idempotencyKey: 'mine', channel: 'E_ID', extra: 'private' };
    const { data: own } = await app.send(startMutation, { input }, headers);
    expect(own.startVerification).toMatchObject({ replayed: false, reused: false });
    expect(own.startVerification.verification.id).not.toBe(verificationId);
    const card = { cardNumber: '6225768888888888', phone: '16137688175' };
    const { data: checked } = await app.send(
      checkMutation,
      { input: { idempotencyKey: 'mine', subject, ...card } },
      headers,
    );
    expect(checked.checkBankCard).toMatchObject({ replayed: false, cached: false });
    const users = [{ __typename: 'User', id: 'ann' }];
    const listed = await app.send(userQuery, { users }, headers);
    expect(listed.text).not.toContain(verificationId);
    const [userId] = who;
    if (userId === 'ann') return;
    const redacted = await app.send(redactUserMutation, { userId: 'ann' }, headers);
    expect(redacted.errors[0].extensions.code).toBe('FORBIDDEN');
    const forAnn = { ...input, idempotencyKey: 'for ann', userId: 'ann' };
    const started = await app.send(startMutation, { input: forAnn }, headers);
    expect(started.errors[0].extensions.code).toBe('FORBIDDEN');
    const paid = { idempotencyKey: 'for ann', userId: 'ann', subject, ...card };
    const check = await app.send(checkMutation, { input: paid }, headers);
    expect(check.errors[0].extensions.code).toBe('FORBIDDEN');
  });

  it('the any-user scope holds within the tenant, and shows no launch', async () => {
    const scopes = `${allScopes} verification:any-user`;
    const desk = await headersOf('desk', 'acme', scopes);
    const { data } = await app.send(verificationQuery, { id: verificationId }, desk);
    expect(data.verification).toMatchObject({ id: verificationId, launch: null });
    const other = await headersOf('desk', 'globex', scopes);
    const { data: none } = await app.send(verificationQuery, { id: verificationId }, other);
    expect(none).toEqual({ verification: null });
    const { data: mine } = await app.send(
      verificationQuery,
      { id: verificationId },
      await headersOf('ann'),
    );
    expect(mine.verification.launch).not.toBeNull();
  });
});
