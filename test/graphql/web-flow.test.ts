import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMutation, verificationQuery } from '../support/operations.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

// FACE_WEB in the mainland: DetectAuth and GetDetectInfoEnhanced, and the routing between two providers.

let app: TestApp;
const routing = { ROUTING: 'FACE_WEB=tencent-cn,oemcloud' };
beforeAll(async () => {
  app = await startTestApp({ env: routing });
});
afterAll(() => app.stop());

const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
let keys = 0;

async function start(input: object, to: TestApp = app) {
  keys += 1;
  const given = { idempotencyKey: `web-${keys}`, channel: 'FACE_WEB', subject, ...input };
  const { data } = await to.send(startMutation, { input: given });
  return data.startVerification;
}

async function read(id: string) {
  const { data } = await app.send(verificationQuery, { id });
  return data.verification;
}

const press = (url: string, fields: Record<string, string>) =>
  fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });

describe('the web page of tencent-cn', () => {
  it('passes, with the person that was checked', async () => {
    const { verification } = await start({ extra: 'my-reference' });
    expect(verification).toMatchObject({
      ...{ status: 'PENDING', provider: { id: 'tencent-cn' }, extra: 'my-reference' },
      launch: { __typename: 'VerificationRedirect' },
      checks: ['LIVENESS', 'FACE_MATCH', 'IDENTITY_RECORD'],
    });
    const { url } = verification.launch;
    await fetch(url);
    expect(await read(verification.id)).toMatchObject({ status: 'PENDING' });
    const { status, headers } = await press(url, { act: 'pass' });
    expect(status).toBe(303);
    const back = new URL(headers.get('location') ?? '');
    // The provider appends both to the address.
    expect(back.searchParams.get('BizToken')).toBe(verification.launch.token);
    expect(back.searchParams.get('Extra')).toBe('my-reference');
    await fetch(back, { redirect: 'manual' });
    const ended = await until(async () => {
      const now = await read(verification.id);
      return now.status === 'PENDING' ? null : now;
    });
    expect(ended).toMatchObject({
      status: 'PASSED',
      outcome: {
        ...{ code: '0', reason: 'VERIFIED', message: '成功', billing: 'CHARGED' },
        details: { __typename: 'TencentCnWebDetails' },
      },
    });
  });

  it('stays pending after a failed attempt, until the person has come back', async () => {
    const { verification } = await start({});
    const { url } = verification.launch;
    await fetch(url);
    await press(url, { act: 'fail-and-retry', code: '2016' });
    await until(async () => (await read(verification.id)).lastCheckedAt !== null);
    expect(await read(verification.id)).toMatchObject({ status: 'PENDING', outcome: null });
    const { headers } = await press(url, { act: 'fail', code: '2016' });
    const { status } = await fetch(headers.get('location') ?? '', { redirect: 'manual' });
    expect(status).toBeLessThan(400);
    const ended = await until(async () => {
      const now = await read(verification.id);
      return now.status === 'PENDING' ? null : now;
    });
    expect(ended).toMatchObject({
      status: 'FAILED',
      outcome: { reason: 'FACE_MISMATCH', billing: 'CHARGED', chargedAttempts: 2 },
    });
  });

  it.each([
    [{ intentionVerifyText: '我同意' }, '1'],
    [{ intentionQuestions: [{ question: '您同意吗？', answers: ['同意'] }] }, '2'],
    [{ intentionActions: [{ text: '请点头' }] }, '3'],
  ])('needs the intention that was asked for: %j', async (tencentCnWeb, _mode) => {
    for (const [intention, status] of [
      ['0', 'PASSED'],
      ['-800', 'UNDETERMINED'],
    ] as const) {
      const extra = `sandbox:Intention=${intention} sandbox:GetDetectInfoEnhanced=0`;
      const { verification } = await start({ extra, options: { tencentCnWeb } });
      expect(verification.checks).toContain('INTENTION');
      const ended = await until(async () => {
        const now = await read(verification.id);
        return now.status === 'PENDING' ? null : now;
      });
      expect(ended).toMatchObject({ status, outcome: { code: intention } });
    }
  });

  it.each(['RULE-READ-ALOUD', 'RULE-QUESTIONS', 'RULE-NOD'])(
    'needs the intention that the business flow %s turns on by itself',
    async (ruleId) => {
      for (const [intention, status] of [
        ['0', 'PASSED'],
        ['-800', 'UNDETERMINED'],
      ] as const) {
        const extra = `sandbox:Intention=${intention} sandbox:GetDetectInfoEnhanced=0`;
        const { verification } = await start({ extra, options: { tencentCnWeb: { ruleId } } });
        const ended = await until(async () => {
          const now = await read(verification.id);
          return now.status === 'PENDING' ? null : now;
        });
        expect(ended).toMatchObject({ status, outcome: { code: intention } });
      }
    },
  );

  it('refuses options that do not fit together, by their paths', async () => {
    const tencentCnWeb = {
      ...{ intentionVerifyText: '', intentionRecognition: true },
      intentionActions: [{ text: 'x'.repeat(251) }],
    };
    const { fields } = await start({ options: { tencentCnWeb } });
    expect(fields.map(({ path }: { path: string }) => path).toSorted()).toEqual([
      'options.tencentCnWeb.intentionActions.0.text',
      'options.tencentCnWeb.intentionRecognition',
      'options.tencentCnWeb.intentionVerifyText',
      'options.tencentCnWeb.intentionVerifyText',
    ]);
  });

  it('needs what the setting says that the business flow needs', async () => {
    const strict = await startTestApp({
      env: { TENCENT_CN_WEB_REQUIRES: 'subject.name,referenceImage' },
    });
    try {
      const { data } = await strict.send(
        '{ verificationProviders { id channels { channel requires } } }',
      );
      const provider = data.verificationProviders.find(
        ({ id }: { id: string }) => id === 'tencent-cn',
      );
      expect(provider.channels).toContainEqual({
        ...{ channel: 'FACE_WEB', requires: ['subject.name', 'referenceImage'] },
      });
      const refused = await start({ provider: 'tencent-cn', subject: null }, strict);
      expect(refused.fields.map(({ path }: { path: string }) => path)).toEqual([
        ...['subject.name', 'referenceImage'],
      ]);
    } finally {
      await strict.stop();
    }
  });
});

/** Calls of starts by provider, action and outcome, as the metrics have them. */
async function countCalls(): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(`${app.url}/metrics`)).text();
  const counts: Record<string, number> = {};
  for (const line of text.split('\n')) {
    if (!line.startsWith('verification_upstream_calls_total{')) continue;
    const labels = Object.fromEntries(
      [...line.matchAll(/(\w+)="([^"]*)"/gu)].map(([, name, value]) => [name, value]),
    );
    const { provider, action, outcome } = labels;
    if (!['DetectAuth', 'individual/face'].includes(String(action))) continue;
    counts[`${provider} ${action} ${outcome}`] = Number(line.split(' ').at(-1));
  }
  return counts;
}

describe('ROUTING=FACE_WEB=tencent-cn,oemcloud', () => {
  it.each([
    ['is down', 'wire-503'],
    ['closes the connection', 'wire-reset'],
    ['is throttled', 'RequestLimitExceeded'],
    ['has no units left', 'UnauthorizedOperation.Arrears'],
  ])('goes to the second provider when the first %s', async (_what, code) => {
    const before = await countCalls();
    const { verification } = await start({ extra: `sandbox:DetectAuth=${code}` });
    expect(verification).toMatchObject({ status: 'PENDING', provider: { id: 'oemcloud' } });
    const after = await countCalls();
    // The first was refused once and is never asked again. The second may charge, and is asked once.
    const made = Object.entries(after).flatMap(([name, count]) => {
      const more = count - (before[name] ?? 0);
      return more === 0 ? [] : [[name, more]];
    });
    expect(made).toHaveLength(2);
    expect(Object.fromEntries(made)).toMatchObject({ 'oemcloud individual/face ok': 1 });
    const first = made.find(([name]) => String(name).startsWith('tencent-cn DetectAuth'));
    expect(first?.[1]).toBe(1);
    expect(first?.[0]).not.toBe('tencent-cn DetectAuth ok');
  });

  it('does not go there for what an operator must mend, or for an input that is refused', async () => {
    const wrong = await start({ extra: 'sandbox:DetectAuth=AuthFailure.SecretIdNotFound' });
    expect(wrong).toMatchObject({ code: 'PROVIDER_MISCONFIGURED', provider: 'tencent-cn' });
    const extra = 'sandbox:DetectAuth=InvalidParameter';
    expect(await start({ extra })).toMatchObject({
      ...{ code: 'PROVIDER_REJECTED', providerCode: 'InvalidParameter' },
    });
  });

  it('is refused at boot for a provider that is not set up for the channel', async () => {
    const key = Buffer.alloc(32, 7).toString('base64');
    await expect(
      startTestApp({
        env: {
          ...routing,
          ...{ TENCENT_CN_SECRET_ID: 'AKID', TENCENT_CN_SECRET_KEY: 'secret' },
          ...{ REDIS_URL: 'redis://127.0.0.1:1', STORE_HASH_KEYS: `h:${key}` },
          ...{ STORE_ENCRYPTION_KEYS: `e:${key}`, ROUTER_SECRETS: 'a-secret-of-the-router' },
          ...{ TRUST_IDENTITY_HEADERS: 'on', PUBLIC_URL: 'https://idv.example' },
          REDIRECT_ORIGINS: 'https://app.example',
        },
      }),
    ).rejects.toThrow('ROUTING of FACE_WEB names tencent-cn, which is not set up for it');
  });
});
