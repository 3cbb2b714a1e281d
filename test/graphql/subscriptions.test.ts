import { createServer } from 'node:http';
import { generateKeyPair } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtInProviders } from '../../providers/index.ts';
import type { AnyProvider } from '../../src/contract/index.ts';
import { subject } from '../../template/test/subject.ts';
import { startCallbackReceiver } from '../support/callback-receiver.ts';
import {
  audience,
  issuer,
  publicJwk,
  signToken,
  startIdentityProvider,
} from '../support/identity-provider.ts';
import { redactVerificationMutation, startMutation } from '../support/operations.ts';
import { passAsPerson } from '../support/pass-as-person.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

// The subscription as a router sees it: its requests, and the messages to its callback URL.

const document = `subscription Ended($id: ID!) {
  verificationEnded(id: $id) { id status redactedAt outcome { reason } }
}`;
const cancelMutation = `mutation Cancel($id: ID!) {
  cancelVerification(id: $id) { ... on CancelVerificationSuccess { verification { id status } } }
}`;

let receiver: Awaited<ReturnType<typeof startCallbackReceiver>>;
let app: TestApp;
let count = 0;

beforeAll(async () => {
  receiver = await startCallbackReceiver();
  app = await startTestApp({ env: { SUBSCRIPTION_CALLBACK_URLS: receiver.url } });
});
afterEach(() => receiver.behave((_message, response) => response.writeHead(204).end()));
afterAll(async () => {
  await app?.stop();
  await receiver?.stop();
});

const newId = (): string => `sub-${(count += 1)}`;

async function begin(user = 'sandbox-user', target = app): Promise<string> {
  const input = { idempotencyKey: newId(), channel: 'E_ID', extra: user };
  const { data } = await target.send(startMutation, { input }, { 'x-user-id': user });
  return data.startVerification.verification.id;
}

interface Asked {
  readonly query?: string;
  readonly variables?: object;
  readonly extensions?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly target?: Pick<TestApp, 'url'>;
}

async function subscribe({ headers = {}, target = app, ...body }: Asked) {
  const response = await fetch(`${target.url}/graphql`, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', accept: 'application/json;callbackSpec=1.0' },
      ...headers,
    },
    body: JSON.stringify({ query: document, ...body }),
  });
  const { data, errors } = (await response.json()) as {
    readonly data?: object | null;
    readonly errors?: readonly { message: string; extensions: { code: string } }[];
  };
  return { status: response.status, data, code: errors?.[0]?.extensions.code, errors };
}

/** Subscribes, and expects that it was accepted. */
async function watch(
  verification: string,
  { interval = 5000, ...asked }: Asked & { readonly interval?: number } = {},
): Promise<string> {
  const id = newId();
  const extensions = receiver.extensions(id, interval);
  const answer = await subscribe({ ...asked, variables: { id: verification }, extensions });
  expect(answer).toMatchObject({ status: 200, data: null, code: undefined });
  expect(receiver.of(id)).toMatchObject([{ action: 'check', verifier: 'a-verifier' }]);
  return id;
}

const cancel = (id: string, user = 'sandbox-user') =>
  app.send(cancelMutation, { id }, { 'x-user-id': user });

/** Lets some time pass in which something would happen if it were going to. */
const passTime = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('verificationEnded', () => {
  it('sends the verification once when it ends, and then completes', async () => {
    const verification = await begin();
    const id = await watch(verification);
    expect(receiver.of(id, 'next')).toEqual([]);
    await cancel(verification);
    const { values, complete } = await receiver.ended(id);
    expect(values).toEqual([
      {
        data: {
          verificationEnded: {
            ...{ id: verification, status: 'CANCELLED', redactedAt: null },
            outcome: { reason: 'USER_CANCELLED' },
          },
        },
      },
    ]);
    expect(complete).toMatchObject({ verifier: 'a-verifier', path: `/callback/${id}` });
    expect(complete.errors).toBeUndefined();
  });

  it('sends an end from before the subscription at once', async () => {
    const verification = await begin();
    await cancel(verification);
    const id = await watch(verification);
    const { values } = await receiver.ended(id);
    expect(values).toMatchObject([{ data: { verificationEnded: { status: 'CANCELLED' } } }]);
  });

  it('asks the provider while it waits, so that nobody else needs to', async () => {
    const input = { idempotencyKey: newId(), channel: 'E_ID', extra: 'sandbox:after=1,result=0' };
    const { data } = await app.send(startMutation, { input });
    const { id: verification, launch } = data.startVerification.verification;
    const id = await watch(verification);
    // And does not come back.
    await passAsPerson(launch.url);
    const { values } = await receiver.ended(id);
    expect(values).toMatchObject([{ data: { verificationEnded: { status: 'PASSED' } } }]);
  });

  it('tells nobody of the verification of somebody else', async () => {
    const verification = await begin('ann');
    const mine = await watch(verification, { headers: { 'x-user-id': 'ann' } });
    const others = [
      await watch(verification, { headers: { 'x-user-id': 'bob' } }),
      await watch(verification, { headers: { 'x-user-id': 'ann', 'x-tenant-id': 'other' } }),
      await watch('ver_AAAAAAAAAAAAAAAAAAAAAA', { headers: { 'x-user-id': 'ann' } }),
    ];
    await cancel(verification, 'ann');
    const told = await receiver.ended(mine);
    expect(told.values).toMatchObject([{ data: { verificationEnded: { id: verification } } }]);
    for (const id of others) {
      const { values } = await receiver.ended(id);
      expect(values).toEqual([{ data: { verificationEnded: null } }]);
    }
  });

  it('completes without a value once the verification is redacted', async () => {
    const verification = await begin();
    const id = await watch(verification);
    await app.send(redactVerificationMutation, { id: verification });
    const { values, complete } = await receiver.ended(id);
    expect(values).toEqual([]);
    expect(complete.errors).toBeUndefined();
  });

  it('refuses a caller without the scope for reading, and calls nothing', async () => {
    const id = newId();
    const answer = await subscribe({
      variables: { id: await begin() },
      extensions: receiver.extensions(id),
      headers: { 'x-scopes': 'verification:start' },
    });
    expect(answer).toMatchObject({ data: null, code: 'FORBIDDEN' });
    expect(receiver.of(id)).toEqual([]);
  });
});

describe('a request that is refused', () => {
  const id = 'never';
  const refused: [string, Asked][] = [
    ['by validation', { query: 'subscription { verificationEnded(id: "x") { nothing } }' }],
    ['by the parser', { query: 'subscription {' }],
    ['by a check of the operation', { query: document, variables: { id: { a: 1 } } }],
    [
      'because it selects too deep',
      { query: `subscription { ${'a { '.repeat(20)}b${' }'.repeat(20)} }` },
    ],
    [
      'because its field is skipped',
      { query: 'subscription { verificationEnded(id: "x") @skip(if: true) { id } }' },
    ],
    ['because no operation is named', { query: `${document} query B { __typename }` }],
  ];
  it.each(refused)('%s reaches no callback URL', async (_how, asked) => {
    const answer = await subscribe({ ...asked, extensions: receiver.extensions(id) });
    expect(answer.errors?.length).toBeGreaterThan(0);
    expect(receiver.of(id)).toEqual([]);
  });

  it('is no reason to call: a query with the extension of a subscription', async () => {
    const query = '{ verificationProviders { id } }';
    const answer = await subscribe({ query, extensions: receiver.extensions(id) });
    expect(answer.data).toMatchObject({ verificationProviders: expect.any(Array) });
    expect(receiver.of(id)).toEqual([]);
  });
});

describe('a callback', () => {
  const withUrl = (callbackUrl: string) =>
    subscribe({
      variables: { id: 'ver_AAAAAAAAAAAAAAAAAAAAAA' },
      extensions: {
        subscription: {
          ...{ callbackUrl, subscriptionId: 'elsewhere', verifier: 'v' },
          heartbeatIntervalMs: 5000,
        },
      },
    });

  it('is refused if its URL is not allowed', async () => {
    const { url } = receiver;
    const { port } = new URL(url);
    const before = receiver.messages.length;
    const wrong = [
      'http://example.com/callback/elsewhere',
      `${url}/../admin`,
      `${url}/a/b`,
      `${url}/a?b=c`,
      `${url}/a?`,
      `${url}/a#b`,
      `${url}/%2e%2e`,
      `${url}x/elsewhere`,
      url,
      `${url}/`,
      url.replace('http:', 'https:'),
      url.replace('//', '//user@'),
      `http://127.0.0.1:${Number(port) + 1}/callback/elsewhere`,
      `http://localhost:${port}/callback/elsewhere`,
      `http://[::ffff:127.0.0.1]:${port}/callback/elsewhere`,
      `http://127.0.0.1.example.com:${port}/callback/elsewhere`,
      'file:///etc/passwd',
      'not a url',
      '',
    ];
    for (const each of wrong) {
      expect(await withUrl(each), each).toMatchObject({ code: 'SUBSCRIPTION_REFUSED' });
    }
    expect(receiver.messages.length).toBe(before);
  });

  it.each([
    ['without the extension', undefined],
    ['with another extension', { other: 1 }],
    ['with a list', { subscription: [] }],
    ['with an interval that is no number', { ...{ subscription: { heartbeatIntervalMs: '1' } } }],
  ])('is refused %s', async (_how, extensions) => {
    const answer = await subscribe({
      variables: { id: 'x' },
      ...(extensions ? { extensions } : {}),
    });
    expect(answer).toMatchObject({ code: 'SUBSCRIPTION_REFUSED' });
  });

  it('that redirects is not followed, and tells the caller nothing of it', async () => {
    let reached = 0;
    const other = createServer((_request, response) => {
      reached += 1;
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { readonly port: number };
    receiver.behave((_message, response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${port}/` }).end(),
    );
    const answer = await withUrl(`${receiver.url}/elsewhere`);
    expect(answer).toMatchObject({ code: 'SUBSCRIPTION_REFUSED' });
    expect(JSON.stringify(answer)).not.toContain(String(port));
    expect(reached).toBe(0);
    await new Promise((resolve) => other.close(resolve));
  });

  it.each([[200], [404], [500]])('that answers a check with %s begins nothing', async (status) => {
    const id = newId();
    const verification = await begin();
    receiver.behave((_message, response) => response.writeHead(status).end());
    const extensions = receiver.extensions(id);
    expect(await subscribe({ variables: { id: verification }, extensions })).toMatchObject({
      code: 'SUBSCRIPTION_REFUSED',
    });
    await cancel(verification);
    expect(receiver.of(id)).toHaveLength(1);
  });

  it('that hangs does not hold the request', async () => {
    receiver.behave(() => {});
    const id = newId();
    const extensions = receiver.extensions(id);
    const answer = await subscribe({ variables: { id: await begin() }, extensions });
    expect(answer).toMatchObject({ code: 'SUBSCRIPTION_REFUSED' });
  });
});

describe('an open subscription', () => {
  it('is kept alive at half of the interval of the router, and at most once a second', async () => {
    const verification = await begin();
    const often = await watch(verification, { interval: 1 });
    const seldom = await watch(verification, { interval: 4000 });
    await until(async () => receiver.of(seldom, 'check').length >= 3);
    const gaps = (id: string) =>
      receiver
        .of(id, 'check')
        .slice(1)
        .map(({ atMs }, at) => atMs - (receiver.of(id, 'check')[at]?.atMs ?? 0));
    // A timer is never early, except for the rounding of a millisecond.
    for (const gap of gaps(often)) expect(gap).toBeGreaterThanOrEqual(990);
    for (const gap of gaps(seldom)) expect(gap).toBeGreaterThanOrEqual(1990);
    await cancel(verification);
    await receiver.ended(often);
  });

  it('ends once the router no longer knows it', async () => {
    const verification = await begin();
    const id = await watch(verification, { interval: 2000 });
    receiver.behave((message, response) => response.writeHead(message.id === id ? 404 : 204).end());
    await until(async () => receiver.of(id, 'check').length >= 2);
    const known = receiver.of(id).length;
    const other = await watch(verification);
    await cancel(verification);
    await receiver.ended(other);
    await passTime(1500);
    expect(receiver.of(id)).toHaveLength(known);
  });

  it('gets its value even if the router was away for a moment', async () => {
    const verification = await begin();
    const id = await watch(verification);
    let failures = 0;
    receiver.behave((message, response) => {
      if (message.action === 'next' && (failures += 1) <= 2) response.writeHead(503).end();
      else response.writeHead(204).end();
    });
    await cancel(verification);
    const { values } = await receiver.ended(id);
    expect(failures).toBe(3);
    expect(values.at(-1)).toMatchObject({ data: { verificationEnded: { status: 'CANCELLED' } } });
  });

  it('takes the place of one with the same callback URL', async () => {
    const [first, second] = [await begin(), await begin()];
    const id = await watch(first);
    const extensions = receiver.extensions(id);
    await subscribe({ variables: { id: second }, extensions });
    await cancel(first);
    await cancel(second);
    const { values } = await receiver.ended(id);
    expect(values).toMatchObject([{ data: { verificationEnded: { id: second } } }]);
  });

  it('is not replaced by somebody else, and the newer of two requests wins', async () => {
    const [mine, other] = [await begin('ann'), await begin('bob')];
    const headers = { 'x-user-id': 'ann' };
    const id = await watch(mine, { headers });
    const extensions = receiver.extensions(id);
    const stranger = { variables: { id: other }, extensions, headers: { 'x-user-id': 'bob' } };
    expect(await subscribe(stranger)).toMatchObject({ code: 'SUBSCRIPTION_REFUSED' });
    // The answer to the check of the first request comes after that of the second one.
    const held: (() => void)[] = [];
    receiver.behave((_message, response) => {
      const answer = (): void => void response.writeHead(204).end();
      if (held.push(answer) > 1) answer();
    });
    const [first, second] = [await begin('ann'), await begin('ann')];
    const older = subscribe({ variables: { id: first }, extensions, headers });
    await until(async () => held.length === 1);
    const newer = await subscribe({ variables: { id: second }, extensions, headers });
    held[0]?.();
    expect([newer.code, (await older).code]).toEqual([undefined, 'SUBSCRIPTION_REFUSED']);
    for (const each of [mine, first, second]) await cancel(each, 'ann');
    const { values } = await receiver.ended(id);
    expect(values).toMatchObject([{ data: { verificationEnded: { id: second } } }]);
  });

  it('sends nothing more once it is over, whatever was on its way', async () => {
    const headers = { 'x-user-id': 'ann' };
    const verification = await begin('ann');
    const id = await watch(verification, { headers });
    receiver.behave((message, response) =>
      response.writeHead(message.action === 'next' ? 503 : 204).end(),
    );
    await cancel(verification, 'ann');
    await until(async () => receiver.of(id, 'next').length > 0);
    // It takes the place of the one that could not deliver.
    const later = await begin('ann');
    const extensions = receiver.extensions(id);
    await subscribe({ variables: { id: later }, extensions, headers });
    const before = receiver.of(id, 'next').length;
    receiver.behave((_message, response) => response.writeHead(204).end());
    await cancel(later, 'ann');
    const { values } = await receiver.ended(id);
    expect(values.slice(before)).toMatchObject([{ data: { verificationEnded: { id: later } } }]);
  });

  it('goes on if a proxy before the router answers 429', async () => {
    const verification = await begin();
    const id = await watch(verification, { interval: 2000 });
    receiver.behave((message, response) =>
      response.writeHead(message.id === id && message.action === 'check' ? 429 : 204).end(),
    );
    await until(async () => receiver.of(id, 'check').length >= 2);
    await cancel(verification);
    expect((await receiver.ended(id)).values).toHaveLength(1);
  });

  it('is one of a hundred of its user at most', async () => {
    const verification = await begin('eve');
    const headers = { 'x-user-id': 'eve' };
    const ids: string[] = [];
    for (let at = 0; at < 100; at++) ids.push(await watch(verification, { headers }));
    const id = newId();
    const asked = { variables: { id: verification }, extensions: receiver.extensions(id), headers };
    expect(await subscribe(asked)).toMatchObject({ code: 'TOO_MANY_SUBSCRIPTIONS' });
    expect(receiver.of(id)).toEqual([]);
    await cancel(verification, 'eve');
    await Promise.all(ids.map(receiver.ended));
    // There is room again.
    expect(await subscribe(asked)).toMatchObject({ code: undefined });
    await receiver.ended(id);
  });
});

describe('a value', () => {
  it('holds errors with fixed texts only', async () => {
    const { provider } = subject;
    const target = await startTestApp({
      env: { SUBSCRIPTION_CALLBACK_URLS: receiver.url },
      definitions: [
        ...builtInProviders,
        {
          ...provider,
          resolvers: {
            MyProviderWebDetails: {
              documentCountry: () => {
                throw new Error('redis password hunter2');
              },
            },
          },
        },
      ],
    });
    try {
      const input = {
        ...{ idempotencyKey: newId(), channel: 'MY_PROVIDER_WEB' },
        ...{ subject: { name: 'Ada Example' }, extra: 'sandbox:getIdentity=approved' },
      };
      const { data } = await target.send(startMutation, { input });
      const id = await watch(data.startVerification.verification.id, {
        target,
        query: `subscription ($id: ID!) { verificationEnded(id: $id) {
          status outcome { details { ... on MyProviderWebDetails { documentCountry } } }
        } }`,
      });
      const { values } = await receiver.ended(id);
      expect(values).toMatchObject([
        {
          data: { verificationEnded: { status: 'PASSED' } },
          errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
        },
      ]);
      expect(JSON.stringify(values)).not.toContain('hunter2');
    } finally {
      await target.stop();
    }
  });
});

describe('a plugin that throws', () => {
  it('ends a subscription with one error, and no flood', async () => {
    const { provider } = subject;
    let isBroken = false;
    const channels = Object.fromEntries(
      Object.entries(provider.channels).map(([name, channel]) => [
        name,
        {
          ...channel,
          outcome: () => {
            if (isBroken) throw new Error('hunter2');
            return 'QUERY' as const;
          },
        },
      ]),
    );
    const target = await startTestApp({
      env: { SUBSCRIPTION_CALLBACK_URLS: receiver.url },
      definitions: [...builtInProviders, { ...provider, channels } as AnyProvider],
    });
    try {
      const input = {
        ...{ idempotencyKey: newId(), channel: 'MY_PROVIDER_WEB' },
        subject: { name: 'Ada Example' },
      };
      const { data } = await target.send(startMutation, { input });
      const id = await watch(data.startVerification.verification.id, { target });
      isBroken = true;
      const { values } = await receiver.ended(id);
      expect(values).toMatchObject([
        { errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] },
      ]);
      expect(target.logLines.filter((line) => line.includes('"event":"bug"')).length).toBe(1);
    } finally {
      await target.stop();
    }
  });
});

describe('the end of a subscription', () => {
  it('comes with the token of the caller', async () => {
    const keys = await generateKeyPair('RS256', { extractable: true });
    const identities = await startIdentityProvider([await publicJwk(keys, 'k1')]);
    const target = await startTestApp({
      env: {
        ...{ SUBSCRIPTION_CALLBACK_URLS: receiver.url, JWT_JWKS_URL: identities.url },
        ...{ JWT_ISSUER: issuer, JWT_AUDIENCE: audience },
      },
    });
    try {
      const claims = { sub: 'ann', tenant: 'acme', scope: 'verification:start verification:read' };
      const authorization = `Bearer ${await signToken(keys, claims)}`;
      const input = { idempotencyKey: newId(), channel: 'E_ID' };
      const { data } = await target.send(startMutation, { input }, { authorization });
      const exp = Math.floor(Date.now() / 1000) + 3;
      const short = `Bearer ${await signToken(keys, { ...claims, exp })}`;
      const id = await watch(data.startVerification.verification.id, {
        ...{ target, headers: { authorization: short } },
      });
      const { values, complete } = await receiver.ended(id);
      expect(values).toEqual([]);
      expect(complete.errors).toMatchObject([{ extensions: { code: 'SUBSCRIPTION_EXPIRED' } }]);
      expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
    } finally {
      await target.stop();
      await identities.stop();
    }
  });

  it('is told to the router when the process stops', async () => {
    const target = await startTestApp({ env: { SUBSCRIPTION_CALLBACK_URLS: receiver.url } });
    const id = await watch(await begin('sandbox-user', target), { target });
    await target.stop();
    expect(receiver.of(id, 'complete')).toMatchObject([{ id }]);
    expect(receiver.of(id, 'next')).toEqual([]);
  });

  it('never comes, because it is refused, without SUBSCRIPTION_CALLBACK_URLS', async () => {
    const target = await startTestApp();
    const id = newId();
    const asked = { variables: { id: 'x' }, extensions: receiver.extensions(id), target };
    expect(await subscribe(asked)).toMatchObject({ code: 'BAD_REQUEST' });
    expect(receiver.of(id)).toEqual([]);
    await target.stop();
  });

  it('is counted', async () => {
    const text = await (await fetch(`${app.url}/metrics`)).text();
    expect(text).toMatch(/verification_subscriptions_ended_total\{how="told"\} [1-9]/u);
    expect(text).toMatch(/verification_subscriptions_refused_total\{reason="callback"\} [1-9]/u);
    await until(async () =>
      (await (await fetch(`${app.url}/metrics`)).text()).includes(
        'verification_subscriptions_open 0',
      ),
    );
  });
});
