import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/test-app.ts';

// The official international SDK, unchanged. It signs by v1 unless told otherwise.
const require = createRequire(import.meta.url);
const faceid = require('tencentcloud-sdk-nodejs-intl-en/tencentcloud/faceid/index.js');
const common = 'tencentcloud-sdk-nodejs-intl-en/tencentcloud/common';
const Credential = require(`${common}/credential.js`);
const ClientProfile = require(`${common}/profile/client_profile.js`);
const HttpProfile = require(`${common}/profile/http_profile.js`);

let app: TestApp;
let endpoint = '';
let credentials: Record<string, string> = {};
let temporaryCredentials: Record<string, string> = {};

beforeAll(async () => {
  app = await startTestApp();
  const endpoints = (await (await fetch(`${app.url}/sandbox/endpoints`)).json()) as Record<
    string,
    {
      endpoint: string;
      credentials: Record<string, string>;
      temporaryCredentials: Record<string, string>;
    }
  >;
  const tencentIntl = endpoints['tencent-intl'];
  if (!tencentIntl) throw new Error('no endpoint');
  ({ endpoint, credentials, temporaryCredentials } = tencentIntl);
});
afterAll(() => app.stop());

interface Changes {
  readonly secretKey?: string;
  /** Signs with the temporary credentials and this token. */
  readonly token?: string;
  readonly region?: string;
  readonly signMethod?: string;
  readonly reqMethod?: string;
}

/** Calls an action as the SDK's users do: a request model and a callback. */
// The SDK has no types for its callbacks.
// oxlint-disable-next-line typescript/no-explicit-any
function call(action: string, params: object, changes: Changes = {}): Promise<any> {
  const { Models: models, Client } = faceid.v20180301;
  const http = new HttpProfile();
  http.protocol = 'http://';
  http.endpoint = new URL(endpoint).host;
  http.reqMethod = changes.reqMethod ?? 'POST';
  const used = changes.token === undefined ? credentials : temporaryCredentials;
  const credential = new Credential(
    used['TENCENT_INTL_SECRET_ID'],
    changes.secretKey ?? used['TENCENT_INTL_SECRET_KEY'],
    changes.token,
  );
  const profile = new ClientProfile(changes.signMethod, http);
  const client = new Client(credential, changes.region ?? 'ap-singapore', profile);
  const request = new models[`${action}Request`]();
  request.from_json_string(JSON.stringify(params));
  return new Promise((resolve, reject) => {
    client[action](request, (error: unknown, response: unknown) => {
      if (error) reject(error);
      else resolve(response);
    });
  });
}

const apply = 'ApplyWebVerificationBizTokenIntl';
const getResult = 'GetWebVerificationResultIntl';
const page = { RedirectURL: 'https://www.tencentcloud.com/products/faceid', Extra: 'ExtraString' };

describe('the official international SDK against the sandbox', () => {
  it.each<Changes>([
    {},
    { signMethod: 'TC3-HMAC-SHA256' },
    { reqMethod: 'GET' },
    { signMethod: 'TC3-HMAC-SHA256', reqMethod: 'GET' },
    { signMethod: 'HmacSHA1' },
  ])('completes the web flow when it signs with %j', async (changes) => {
    const config = { CheckMode: 1, IDCardType: 'HKIDCard', AutoSkip: true };
    const { BizToken, VerificationURL } = await call(apply, { ...page, Config: config }, changes);
    expect(VerificationURL).toContain(BizToken);
    expect((await call(getResult, { BizToken }, changes)).ErrorCode).toBeNull();
    const done = await fetch(VerificationURL, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ act: 'pass' }),
    });
    expect(done.headers.get('location')).toBe(`${page.RedirectURL}?token=${BizToken}`);
    const result = await call(getResult, { BizToken }, changes);
    expect(result).toMatchObject({ ErrorCode: 0, Extra: 'ExtraString' });
    expect(result.OCRResult[0].IsPass).toBe(true);
  });

  it.each(['HmacSHA256', 'TC3-HMAC-SHA256'])(
    'requires the token of temporary credentials, by %s',
    async (signMethod) => {
      const token = temporaryCredentials['TENCENT_INTL_SESSION_TOKEN'] ?? '';
      expect(await call(apply, page, { signMethod, token })).toHaveProperty('BizToken');
      await expect(call(apply, page, { signMethod, token: 'other' })).rejects.toMatchObject({
        code: 'AuthFailure.TokenFailure',
      });
    },
  );

  it.each<[string, () => Promise<unknown>]>([
    ['AuthFailure.SignatureFailure', () => call(apply, page, { secretKey: 'wrong' })],
    [
      'AuthFailure.SignatureFailure',
      () => call(apply, page, { secretKey: 'wrong', signMethod: 'TC3-HMAC-SHA256' }),
    ],
    ['MissingParameter', () => call(apply, {})],
    ['UnsupportedRegion', () => call(apply, page, { region: 'ap-guangzhou' })],
    ['InvalidParameter', () => call(apply, { ...page, Config: { ActionList: 'blink' } })],
    ['InvalidParameterValue.BizTokenIllegal', () => call(getResult, { BizToken: 'x' })],
  ])('is refused with %s', async (code, refusedCall) => {
    const refused = await refusedCall().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code });
  });
});
