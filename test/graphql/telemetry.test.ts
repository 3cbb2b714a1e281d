import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cardInput } from '../support/card-input.ts';
import { checkMutation, startMutation, verificationQuery } from '../support/operations.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { passAsPerson } from '../support/pass-as-person.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

// What an operator sees of an operation: its log lines, which share one id, and the metrics.

let redis: RedisServer;
let app: TestApp;

beforeAll(async () => {
  redis = await startRedis();
  const key = `k1:${randomBytes(32).toString('base64')}`;
  app = await startTestApp({
    env: {
      ...{ REDIS_URL: redis.url, STORE_HASH_KEYS: key, STORE_ENCRYPTION_KEYS: key },
      ...{ VELOCITY_USER: '3/3600', METRICS_TENANTS: '2' },
    },
  });
}, 60_000);
afterAll(async () => {
  await app?.stop();
  await redis?.stop();
});

type Line = Record<string, unknown>;

const linesOf = (find: (line: Line) => boolean): Line[] =>
  app.logLines.map((line) => JSON.parse(line) as Line).filter(find);

/** The lines of the operation that ended with this request id. */
async function operationOf(requestId: string): Promise<{ ended: Line; all: Line[] }> {
  const ended = await until(
    async () =>
      linesOf((line) => line['event'] === 'operation_ended' && line['requestId'] === requestId)[0],
  );
  return { ended, all: linesOf((line) => line['operation'] === ended['operation']) };
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const from = (requestId: string, user = requestId, tenant = 'tenant-a') => ({
  ...{ 'x-request-id': requestId, 'x-user-id': user, 'x-tenant-id': tenant },
  traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
});
const start = (idempotencyKey: string, headers: Record<string, string>, more: object = {}) =>
  app.send(startMutation, { input: { idempotencyKey, channel: 'E_ID', ...more } }, headers);
const check = (idempotencyKey: string, headers: Record<string, string>, name = '韦小宝') =>
  app.send(checkMutation, { input: cardInput(name, idempotencyKey) }, headers);

/** The samples of a metric whose labels include these. */
async function sum(metric: string, labels: Record<string, string>): Promise<number> {
  const text = await (await fetch(`${app.url}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `))
    .filter((line) => Object.entries(labels).every(([k, v]) => line.includes(`${k}="${v}"`)))
    .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
}

describe('the log of a start', () => {
  it('has one operation, from the request of the router to the call of the provider', async () => {
    const { data } = await start('one', from('request-1'));
    const { id } = data.startVerification.verification;
    const { ended, all } = await operationOf('request-1');
    expect(ended).toMatchObject({
      ...{ name: 'startVerification', outcome: 'SUCCESS', provider: 'tencent-cn', record: id },
      ...{ replayed: false, reused: false, tenant: 'tenant-a', traceId },
    });
    for (const wait of ['durationMs', 'queueMs', 'storeMs', 'upstreamMs']) {
      expect(ended[wait], wait).toEqual(expect.any(Number));
      expect(Number(ended[wait]), wait).toBeLessThanOrEqual(Number(ended['durationMs']));
    }
    const call = all.find((line) => line['event'] === 'upstream_call');
    expect(call).toMatchObject({
      ...{ action: 'GetEidToken', outcome: 'ok', httpStatus: 200, record: id, traceId },
      ...{ requestId: 'request-1', tenant: 'tenant-a' },
      providerRequestId: expect.stringMatching(/^[\da-f-]{36}$/u),
    });
  });

  it('has one end for each request, of a replay too', async () => {
    const first = await start('again', from('request-2', 'replayer'));
    const again = await start('again', from('request-3', 'replayer'));
    expect(again.data.startVerification.replayed).toBe(true);
    const { ended, all } = await operationOf('request-3');
    const { id } = first.data.startVerification.verification;
    expect(ended).toMatchObject({ outcome: 'SUCCESS', replayed: true, record: id });
    expect(all.some((line) => line['event'] === 'upstream_call')).toBe(false);
  });

  it('has the code of the problem, and of an error', async () => {
    await start('wrong', from('request-4'), { redirectUrl: 'not a url' });
    expect((await operationOf('request-4')).ended).toMatchObject({
      ...{ outcome: 'INVALID_INPUT', billing: 'NOT_CHARGED' },
    });
    await start('forbidden', { ...from('request-5'), 'x-scopes': 'verification:read' });
    expect((await operationOf('request-5')).ended).toMatchObject({ outcome: 'FORBIDDEN' });
  });

  it('has an id of ours, if the router sends none or a text of its client', async () => {
    for (const given of [undefined, 'ID of a person', '110105199003072039', '13800138000']) {
      const response = await fetch(`${app.url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-user-id': `without-${String(given).length}`,
          ...(given ? { 'x-request-id': given } : {}),
        },
        body: JSON.stringify({
          query: startMutation,
          variables: { input: { idempotencyKey: `made-${String(given)}`, channel: 'E_ID' } },
        }),
      });
      const requestId = response.headers.get('x-request-id') ?? '';
      expect(requestId).toMatch(/^req_[\w-]{22}$/u);
      await operationOf(requestId);
    }
    for (const text of ['of a person', '110105199003072039', '13800138000']) {
      expect(app.logLines.join('')).not.toContain(text);
    }
  });
});

describe('the log of what needs a person', () => {
  it('has an unknown outcome with its record', async () => {
    const { data } = await check('lost', from('request-6', 'loser'), 'sandbox:wire-reset');
    expect(data.checkBankCard).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    const { all } = await operationOf('request-6');
    const line = all.find(({ event }) => event === 'outcome_unknown');
    expect(line).toMatchObject({
      ...{ level: 50, provider: 'tencent-cn', record: expect.stringMatching(/^bcc_/u) },
    });
  });

  it('says once that the account has no money, and once that it has again', async () => {
    const poor = 'sandbox:UnauthorizedOperation.Arrears';
    const about = ({ event }: Line) =>
      event === 'provider_money_used_up' || event === 'provider_recovered';
    for (const key of ['poor-1', 'poor-2']) await check(key, from(key), poor);
    await operationOf('poor-2');
    expect(linesOf(about)).toMatchObject([{ level: 50, event: 'provider_money_used_up' }]);
    await check('rich', from('rich'), '张三');
    await operationOf('rich');
    expect(linesOf(about)).toMatchObject([{}, { level: 40, event: 'provider_recovered' }]);
  });
});

describe('the metrics', () => {
  it('count operations, what was saved, and what may have cost money', async () => {
    const paid = { billing: 'CHARGED', action: 'BankCard4EVerification' };
    const of = () =>
      Promise.all([
        sum('verification_operations_total', { operation: 'checkBankCard', outcome: 'SUCCESS' }),
        sum('verification_calls_saved_total', { operation: 'checkBankCard', by: 'replay' }),
        sum('verification_calls_saved_total', { operation: 'checkBankCard', by: 'cache' }),
        sum('verification_chargeable_calls_total', { ...paid, tenant: 'tenant-a' }),
        sum('verification_bank_card_outcomes_total', { outcome: 'MATCHED' }),
        sum('verification_upstream_calls_total', { action: 'BankCard4EVerification' }),
      ]);
    const before = await of();
    await check('count-1', from('count-1', 'counter'), '李四');
    await check('count-1', from('count-2', 'counter'), '李四');
    await check('count-3', from('count-3', 'counter'), '李四');
    const after = await of();
    expect(after.map((value, at) => value - (before[at] ?? 0))).toEqual([3, 1, 1, 1, 1, 1]);
  });

  it('count a call that may have been charged, and one that was not', async () => {
    const of = (billing: string) => sum('verification_chargeable_calls_total', { billing });
    const before = [await of('UNKNOWN'), await of('NOT_CHARGED')];
    await check('unknown', from('unknown'), 'sandbox:wire-reset');
    await check('refused', from('refused'), 'sandbox:UnauthorizedOperation.Arrears');
    expect([await of('UNKNOWN'), await of('NOT_CHARGED')]).toEqual(
      before.map((value) => value + 1),
    );
  });

  it('count what a limit refused, by which', async () => {
    for (let time = 0; time < 5; time++) {
      await check(`fast-${time}`, from(`fast-${time}`, 'fast'), `快${'一二三四五'[time] ?? ''}`);
    }
    expect(await sum('verification_calls_refused_total', { reason: 'velocity' })).toBe(2);
    expect(
      await sum('verification_operations_total', {
        ...{ operation: 'checkBankCard', outcome: 'RATE_LIMITED' },
      }),
    ).toBe(2);
  });

  it('count the end of a verification', async () => {
    const headers = from('ending', 'ending');
    const { data } = await start('ending', headers, { extra: 'sandbox:GetEidResult=2016' });
    const { id } = data.startVerification.verification;
    await until(async () => {
      const { data: now } = await app.send(verificationQuery, { id }, headers);
      return now.verification.status === 'PENDING' ? null : now;
    });
    const labels = { channel: 'E_ID', status: 'FAILED', billing: 'CHARGED' };
    expect(await sum('verification_outcomes_total', labels)).toBe(1);
    expect(await sum('verification_events_published_total', { result: 'ok' })).toBe(1);
    expect(await sum('verification_event_lag_seconds_count', {})).toBe(1);
  });

  it('name the first tenants only', async () => {
    for (const tenant of ['tenant-b', 'tenant-c', 'tenant-d']) {
      await check(tenant, from(tenant, tenant, tenant), '王五');
    }
    const of = (tenant: string) => sum('verification_chargeable_calls_total', { tenant });
    expect(await of('tenant-b')).toBe(1);
    expect(await of('tenant-c')).toBe(0);
    expect(await of('other')).toBe(2);
  });

  it('show the store, the follow-ups and the limits', async () => {
    expect(await sum('verification_store_up', {})).toBe(1);
    expect(await sum('verification_follow_ups', { state: 'late' })).toBe(0);
    expect(await sum('verification_follow_ups', { state: 'planned' })).toBeGreaterThan(0);
    expect(await sum('verification_quota_per_second', { action: 'GetEidToken' })).toBe(100);
    expect(await sum('verification_calls_waiting', {})).toBe(0);
    expect(await sum('verification_build_info', { node: process.version })).toBe(1);
  });
});

describe('what no request began', () => {
  it('has an operation with its record, without tenant and request', async () => {
    const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
    const { data } = await start('notified', from('notified'), {
      ...{ channel: 'FACE_ALIPAY', provider: 'oemcloud', subject },
    });
    const { id, launch } = data.startVerification.verification;
    await passAsPerson(launch.url);
    const line = await until(
      async () =>
        linesOf(
          ({ event, action, record }) =>
            event === 'upstream_call' && action !== 'individual/face' && record === id,
        )[0],
    );
    expect(line['operation']).toMatch(/^op_/u);
    expect(Object.keys(line)).not.toContain('tenant');
    expect(Object.keys(line)).not.toContain('requestId');
    await fetch(`${app.url}/callbacks/oemcloud/made-up`, { method: 'POST' });
    await fetch(`${app.url}/callbacks/made-up/made-up`, { method: 'POST' });
    for (const provider of ['oemcloud', 'unknown']) {
      const unknown = { provider, result: 'unknown' };
      expect(await sum('verification_notifications_total', unknown), provider).toBe(1);
    }
    const labels = { provider: 'oemcloud', result: 'received' };
    expect(await sum('verification_notifications_total', labels)).toBeGreaterThan(0);
  });
});

describe('a request that is refused before it is executed', () => {
  it('is counted, and logged by its reason once a minute', async () => {
    const secret = 'the-secret-of-the-router';
    const guarded = await startTestApp({
      env: {
        ...{ ROUTER_SECRETS: secret, TRUST_IDENTITY_HEADERS: 'on' },
        // Nobody listens there.
        JWT_JWKS_URL: 'http://127.0.0.1:1/keys',
        ...{ JWT_ISSUER: 'https://idp.example', JWT_AUDIENCE: 'verification' },
      },
    });
    try {
      const query = '{ verificationProviders { id } }';
      const ask = (headers: Record<string, string>) => guarded.sendOnce(query, {}, headers);
      const known = { 'x-router-secret': secret };
      const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
      const token = `${encoded({ alg: 'RS256', kid: 'k' })}.${encoded({ exp: 1 })}.c2ln`;
      for (let time = 0; time < 3; time++) expect((await ask({})).status).toBe(401);
      expect((await ask(known)).status).toBe(401);
      expect((await ask({ ...known, authorization: `Bearer ${token}` })).status).toBe(503);
      expect((await ask({ ...known, 'content-type': 'text/plain' })).status).not.toBe(200);
      const text = await (await fetch(`${guarded.url}/metrics`)).text();
      for (const [reason, count] of [
        ['router_secret', 3],
        ['identity_provider', 1],
        ['busy', 0],
      ] as const) {
        expect(text).toContain(
          `verification_requests_refused_total{reason="${reason}"} ${count}\n`,
        );
      }
      const lines = guarded.logLines
        .map((line) => JSON.parse(line) as Line)
        .filter(({ event }) => event === 'requests_refused');
      expect(lines.filter(({ reason }) => reason === 'router_secret')).toMatchObject([
        { level: 40, count: 1 },
      ]);
      expect(lines.filter(({ reason }) => reason === 'identity_provider')).toMatchObject([
        { level: 50, count: 1 },
      ]);
      expect(guarded.logLines.join('')).not.toContain(token);
    } finally {
      await guarded.stop();
    }
  });
});
