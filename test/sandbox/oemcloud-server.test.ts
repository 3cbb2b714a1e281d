import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
let endpoint = '';
let appCode = '';
let clockMs = Date.UTC(2026, 10, 22, 12);

beforeAll(async () => {
  app = await startTestApp({ now: () => clockMs });
  const endpoints = (await (await fetch(`${app.url}/sandbox/endpoints`)).json()) as Record<
    string,
    { endpoint: string; credentials: Record<string, string> }
  >;
  endpoint = endpoints['oemcloud']?.endpoint ?? '';
  appCode = endpoints['oemcloud']?.credentials['OEMCLOUD_APP_CODE'] ?? '';
});
afterAll(() => app.stop());

const good = {
  name: '张三',
  idNo: '320926195511175276',
  faceauthMode: 'TENCENT',
  callbackUrl: 'https://app.example/back',
};

/** Each call has its own second, so that it never meets the rate limit by accident. */
async function call(
  headers: Record<string, string | undefined> = {},
  body: object = good,
  path = '/v2/identity/auth/api/individual/face',
) {
  clockMs += 1000;
  const all = {
    authorization: `APPCODE ${appCode}`,
    'x-ca-nonce': String(clockMs),
    'content-type': 'application/json',
    ...headers,
  };
  const given = Object.entries(all).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const answer = await fetch(`${endpoint}${path}`, {
    method: path.includes('api/individual') ? 'POST' : 'GET',
    headers: Object.fromEntries(given),
    ...(path.includes('api/individual') ? { body: JSON.stringify(body) } : {}),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    gateway: answer.headers.get('x-ca-error-code'),
    message: answer.headers.get('x-ca-error-message'),
    body: text === '' ? null : JSON.parse(text),
  };
}

describe('the emulated OEMCloud', () => {
  it('responds as documented', async () => {
    const { status, body } = await call();
    expect(status).toBe(200);
    expect(body).toMatchObject({ code: 0, message: '成功' });
    expect(body.data.flowId).toMatch(/^\d{19}$/u);
    expect(Object.keys(body.data)).toEqual([
      'flowId',
      'authUrl',
      'originalUrl',
      'faceToken',
      'expire',
    ]);
    const path = `/v2/identity/auth/pub/individual/${body.data.flowId}/face`;
    expect((await call({}, good, path)).body.data.status).toBe('ING');
  });

  it.each([
    [undefined, 'A400MA'],
    ['APPCODE other', 'A400AC'],
    ['sandbox', 'A400AC'],
  ])('refuses the authorisation %s at the gateway', async (authorization, code) => {
    expect(await call({ authorization })).toMatchObject({ status: 400, gateway: code });
  });

  it('accepts a nonce once, and within 15 minutes of its clock', async () => {
    expect(await call({ 'x-ca-nonce': undefined })).toMatchObject({ status: 400 });
    expect(await call({ 'x-ca-nonce': 'abc' })).toMatchObject({ message: 'Invalid X-Ca-Nonce' });
    for (const minutes of [-16, 16]) {
      const nonce = String(clockMs + minutes * 60_000);
      expect(await call({ 'x-ca-nonce': nonce })).toMatchObject({
        message: 'X-Ca-Nonce expired',
      });
    }
    const nonce = String(clockMs - 14 * 60_000);
    expect(await call({ 'x-ca-nonce': nonce })).toMatchObject({ status: 200 });
    expect(await call({ 'x-ca-nonce': nonce })).toMatchObject({ message: 'Nonce Used' });
  });

  it.each<[object, number]>([
    [{ faceauthMode: '' }, 30500101],
    [{ faceauthMode: 'OTHER' }, 30500101],
    [{ name: '' }, 30500101],
    [{ idNo: '' }, 30500101],
    [{ callbackUrl: '' }, 30500101],
    [{ idNo: '12345' }, 30500101],
    [{ idNo: '320926195511175276 ' }, 30500116],
    [{ idNo: '320926201211235276' }, 30503059],
  ])('refuses %j with the documented code', async (changes, code) => {
    expect((await call({}, { ...good, ...changes })).body).toMatchObject({ code, data: null });
  });

  it('accepts a person who is 14 today', async () => {
    expect((await call({}, { ...good, idNo: '320926201211225276' })).body.code).toBe(0);
  });

  it('enforces its rate limit', async () => {
    clockMs += 1000;
    const nonce = clockMs + 500;
    const all = await Promise.all(
      Array.from({ length: 15 }, async (_, at) => {
        const answer = await fetch(`${endpoint}/v2/identity/auth/api/individual/face`, {
          method: 'POST',
          headers: {
            authorization: `APPCODE ${appCode}`,
            'x-ca-nonce': String(nonce + at),
            'content-type': 'application/json',
          },
          body: JSON.stringify(good),
        });
        return answer.status;
      }),
    );
    expect(all.filter((status) => status === 200)).toHaveLength(10);
    expect(all.filter((status) => status === 429)).toHaveLength(5);
  });
});
