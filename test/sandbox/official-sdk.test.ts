import { constants, createDecipheriv, publicEncrypt, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/test-app.ts';

// The client that every product of the official SDK is built on, unchanged. It is CommonJS.
const sdk = createRequire(import.meta.url)(
  'tencentcloud-sdk-nodejs-common/tencentcloud/common/index.js',
);

let app: TestApp;
let endpoint = '';
let credentials: Record<string, string> = {};
let temporaryCredentials: Record<string, string> = {};

beforeAll(async () => {
  app = await startTestApp();
  const endpoints = await (await fetch(`${app.url}/sandbox/endpoints`)).json();
  const tencentCn = (
    endpoints as Record<
      string,
      {
        endpoint: string;
        credentials: Record<string, string>;
        temporaryCredentials: Record<string, string>;
      }
    >
  )['tencent-cn'];
  if (!tencentCn) throw new Error('no endpoint');
  ({ endpoint, credentials, temporaryCredentials } = tencentCn);
});
afterAll(() => app.stop());

function client(
  changes: {
    secretId?: string;
    secretKey?: string;
    token?: string;
    signMethod?: string;
    profile?: object;
  } = {},
) {
  const { profile, signMethod, ...credential } = changes;
  return new sdk.CommonClient(new URL(endpoint).host, '2018-03-01', {
    credential: {
      secretId: credentials['TENCENT_CN_SECRET_ID'],
      secretKey: credentials['TENCENT_CN_SECRET_KEY'],
      ...credential,
    },
    region: 'ap-guangzhou',
    profile: {
      ...(signMethod ? { signMethod } : {}),
      httpProfile: { protocol: 'http://', endpoint: new URL(endpoint).host, ...profile },
    },
  });
}

const person = { Name: '韦小宝', IdCard: '11204416541220243X' };
const card = { ...person, BankCard: '6225768888888888', Phone: '16137688175' };

describe('the official Node SDK against the sandbox', () => {
  it.each(['POST', 'GET'])(
    'checks a bank card by %s with the documented response',
    async (reqMethod) => {
      const good = await client({ profile: { reqMethod } }).request('BankCard4EVerification', card);
      expect(good).toMatchObject({ Result: '0', Description: '认证通过' });
      expect(good.RequestId).toMatch(/^[0-9a-f-]{36}$/u);
      const other = { ...card, BankCard: '6226090210146748', CertType: 0 };
      expect(
        await client({ profile: { reqMethod } }).request('BankCard4EVerification', other),
      ).toMatchObject({
        Result: '-6',
      });
    },
  );

  it('requires the token of temporary credentials', async () => {
    const secretId = temporaryCredentials['TENCENT_CN_SECRET_ID'] ?? '';
    const secretKey = temporaryCredentials['TENCENT_CN_SECRET_KEY'] ?? '';
    const token = temporaryCredentials['TENCENT_CN_SESSION_TOKEN'] ?? '';
    for (const reqMethod of ['POST', 'GET']) {
      const profile = { reqMethod };
      const temporary = client({ secretId, secretKey, token, profile });
      expect(await temporary.request('BankCard4EVerification', card)).toMatchObject({
        Result: '0',
      });
      for (const wrong of [{}, { token: 'other' }]) {
        const refused = client({ secretId, secretKey, profile, ...wrong });
        await expect(refused.request('BankCard4EVerification', card)).rejects.toMatchObject({
          code: 'AuthFailure.TokenFailure',
        });
      }
    }
  });

  it('completes the E证通 flow', async () => {
    const { EidToken, Url } = await client().request('GetEidToken', {
      MerchantId: '0NSJ240626160443125212',
      ...person,
      Config: { InputType: '4', UseIntentionVerify: false },
      RedirectUrl: 'https://faceid.qq.com',
    });
    expect(Url).toContain(EidToken);
    expect(await client().request('CheckEidTokenStatus', { EidToken })).toMatchObject({
      Status: 'init',
    });
    await fetch(Url);
    expect(await client().request('CheckEidTokenStatus', { EidToken })).toMatchObject({
      Status: 'doing',
    });
    const done = await fetch(Url, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ act: 'pass' }),
    });
    expect(done.status).toBe(303);
    expect(done.headers.get('location')).toBe(`https://faceid.qq.com/?token=${EidToken}`);
    expect(await client().request('CheckEidTokenStatus', { EidToken })).toMatchObject({
      Status: 'finished',
    });
    const result = await client().request('GetEidResult', { EidToken, InfoType: '1' });
    expect(result.Text).toMatchObject({ ErrCode: 0, Sim: '97.31', IdCard: '', Name: '' });
    expect(result.BestFrame).toBeNull();
  });

  it('completes the app SDK flow', async () => {
    const { FaceIdToken } = await client().request('GetFaceIdToken', {
      CompareLib: 'BUSINESS',
      ...person,
    });
    expect(await client().request('GetFaceIdResult', { FaceIdToken })).toMatchObject({
      Result: '',
    });
    await fetch(`${app.url}/sandbox/person/${FaceIdToken}`, {
      method: 'POST',
      body: new URLSearchParams({ act: 'fail', code: '1004' }),
    });
    expect(await client().request('GetFaceIdResult', { FaceIdToken })).toMatchObject({
      Result: '1004',
    });
  });

  it('completes the flow of the web page, encrypted too', async () => {
    const { BizToken, Url } = await client().request('DetectAuth', {
      ...{ RuleId: '1', ...person, RedirectUrl: 'https://faceid.qq.com', Extra: 'e' },
    });
    const asked = { BizToken, RuleId: '1', InfoType: '1' };
    const before = await client().request('GetDetectInfoEnhanced', asked);
    expect(before.Text).toMatchObject({ ErrCode: null, Name: '', LivenessDetail: [] });
    await fetch(Url);
    const pass = { method: 'POST', redirect: 'manual', body: new URLSearchParams({ act: 'pass' }) };
    const done = await fetch(Url, pass as RequestInit);
    expect(done.headers.get('location')).toBe(
      `https://faceid.qq.com/?BizToken=${BizToken}&Extra=e`,
    );
    const { Text: text } = await client().request('GetDetectInfoEnhanced', asked);
    expect(text).toMatchObject({ ErrCode: 0, Name: person.Name, IdCard: person.IdCard });
    const publicKey = Buffer.from(
      credentials['TENCENT_CN_ENCRYPTION_PUBLIC_KEY'] ?? '',
      'base64',
    ).toString('utf8');
    const blob = publicEncrypt(
      { key: publicKey, padding: constants.RSA_PKCS1_PADDING },
      randomBytes(32),
    );
    const Encryption = { EncryptList: [], CiphertextBlob: blob.toString('base64'), Iv: '' };
    const sealed = await client().request('GetDetectInfoEnhanced', { ...asked, Encryption });
    expect(sealed.Encryption.EncryptList).toEqual(['Response.Text.IdCard', 'Response.Text.Name']);
    expect(JSON.stringify(sealed.Text)).not.toContain(`"IdCard":"${person.IdCard}"`);
  });

  it.each([
    ['BankCard2EVerification', { Name: card.Name, BankCard: card.BankCard }],
    ['BankCardVerification', { ...person, BankCard: card.BankCard, CertType: 0 }],
  ])('checks a card by %s', async (action, params) => {
    expect(await client().request(action, params)).toMatchObject({ Result: '0' });
  });

  it('gets an encrypted response under the key of its request', async () => {
    const { FaceIdToken } = await client().request('GetFaceIdToken', {
      CompareLib: 'BUSINESS',
      ...person,
    });
    const pass = { method: 'POST', body: new URLSearchParams({ act: 'pass' }) };
    await fetch(`${app.url}/sandbox/person/${FaceIdToken}`, pass);
    const publicKey = Buffer.from(
      credentials['TENCENT_CN_ENCRYPTION_PUBLIC_KEY'] ?? '',
      'base64',
    ).toString('utf8');
    const key = randomBytes(32);
    const blob = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, key);
    const encryption = { EncryptList: [], CiphertextBlob: blob.toString('base64'), Iv: '' };
    const open = (value: string, iv: string): string => {
      const decipher = createDecipheriv('aes-256-cbc', key, Buffer.from(iv, 'base64'));
      return decipher.update(value, 'base64', 'utf8') + decipher.final('utf8');
    };
    const some = await client().request('GetFaceIdResult', { FaceIdToken, Encryption: encryption });
    expect(some.Result).toBe('0');
    expect(some.Encryption.EncryptList).toEqual(['Response.IdCard', 'Response.Name']);
    expect(open(some.Name, some.Encryption.Iv)).toBe(person.Name);
    const whole = await client().request('GetFaceIdResult', {
      FaceIdToken,
      IsEncryptResponse: true,
      Encryption: encryption,
    });
    expect(JSON.stringify(whole)).not.toContain(person.IdCard);
    expect(JSON.parse(open(whole.EncryptedBody, whole.Encryption.Iv))).toMatchObject({
      Result: '0',
      Name: person.Name,
    });
  });

  it('is refused over 1 MB with the v1 signature, and accepted with TC3', async () => {
    const image = { CompareLib: 'LOCAL', ImageBase64: 'A'.repeat(1_200_000) };
    await expect(
      client({ signMethod: 'HmacSHA256' }).request('GetFaceIdToken', image),
    ).rejects.toMatchObject({
      code: 'RequestSizeLimitExceeded',
    });
    expect(await client().request('GetFaceIdToken', image)).toHaveProperty('FaceIdToken');
  });

  it('gets the documented texts', async () => {
    const mismatch = { ...card, BankCard: '6226090210146748' };
    expect((await client().request('BankCard4EVerification', mismatch)).Description).toBe(
      '持卡人信息有误',
    );
    await expect(
      client().request('GetEidToken', { MerchantId: 'x'.repeat(51) }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('参数错误。'),
    });
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'AuthFailure.SignatureFailure',
      () => client({ secretKey: 'wrong' }).request('BankCard4EVerification', card),
    ],
    [
      'AuthFailure.SecretIdNotFound',
      () => client({ secretId: 'wrong' }).request('BankCard4EVerification', card),
    ],
    [
      'AuthFailure.TokenFailure',
      () => client({ token: 'wrong' }).request('BankCard4EVerification', card),
    ],
    [
      'InvalidParameterValue.RuleIdNotExist',
      () => client().request('DetectAuth', { RuleId: 'unknown' }),
    ],
    // Not BizTokenIllegal, as in E证通.
    [
      'InvalidParameter',
      () => client().request('GetDetectInfoEnhanced', { BizToken: 'x', RuleId: '1' }),
    ],
    // A lower-case x.
    [
      'InvalidParameter',
      () => client().request('DetectAuth', { RuleId: '1', IdCard: '11204416541220243x' }),
    ],
    ['MissingParameter', () => client().request('BankCard4EVerification', person)],
    ['UnknownParameter', () => client().request('BankCard4EVerification', { ...card, Other: 'x' })],
    ['InvalidParameter', () => client().request('GetEidToken', { MerchantId: 'x'.repeat(51) })],
    [
      'InvalidParameterValue.BizTokenIllegal',
      () => client().request('CheckEidTokenStatus', { EidToken: 'x' }),
    ],
    // The failing examples of the documentation.
    [
      'FailedOperation.UnregisteredEid',
      () => client().request('GetEidToken', { MerchantId: '0NSJ240615216044312521' }),
    ],
    [
      'FailedOperation.ImageSizeTooLarge',
      () =>
        client().request('GetFaceIdToken', {
          CompareLib: 'BUSINESS',
          IdCard: '440305199505132561',
          Name: '刘洋',
        }),
    ],
    [
      'UnauthorizedOperation.Arrears',
      () =>
        client().request('BankCard4EVerification', {
          ...card,
          Name: 'sandbox:UnauthorizedOperation.Arrears',
        }),
    ],
  ])('is refused with %s', async (code, call) => {
    const refused = await call().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code });
    expect((refused as { requestId: string }).requestId).toMatch(/^[0-9a-f-]{36}$/u);
  });

  it('is limited to 20 card checks a second', async () => {
    const all = await Promise.allSettled(
      Array.from({ length: 70 }, () => client().request('BankCard4EVerification', card)),
    );
    const codes = all.map((one) => (one.status === 'rejected' ? one.reason.code : 'ok'));
    expect(codes).toContain('RequestLimitExceeded');
    expect(codes).toContain('ok');
  });
});

it('the sandbox ignores parameters named like Object.prototype members', async () => {
  await client({ profile: { reqMethod: 'GET' } })
    .request('GetEidToken', { MerchantId: 'x', ['__proto__.errorCode']: 'POLLUTED' })
    .catch(() => {});
  expect(Object.hasOwn(Object.prototype, 'errorCode')).toBe(false);
  const { EidToken } = await client().request('GetEidToken', {
    MerchantId: '0NSJ240626160443125212',
  });
  expect(EidToken).toMatch(/^[0-9A-F-]{36}$/u);
});

it('the sandbox reads lists sent by GET', async () => {
  const { EidToken } = await client({ profile: { reqMethod: 'GET' } }).request('GetEidToken', {
    MerchantId: '0NSJ240626160443125212',
    Config: {
      UseIntentionVerify: true,
      IntentionMode: '3',
      IntentionActions: [{ Text: '请点头' }, { Text: '再点头' }],
    },
  });
  expect(EidToken).toMatch(/^[0-9A-F-]{36}$/u);
});

it('the sandbox rejects a stale timestamp before it checks the signature', async () => {
  const stale = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-tc-action': 'BankCard4EVerification',
      'x-tc-version': '2018-03-01',
      'x-tc-timestamp': '1551113065',
      authorization: `TC3-HMAC-SHA256 Credential=${credentials['TENCENT_CN_SECRET_ID']}/2019-02-25/faceid/tc3_request, SignedHeaders=content-type;host, Signature=${'0'.repeat(64)}`,
    },
    body: '{}',
  });
  const answer = (await stale.json()) as { Response: { Error: { Code: string } } };
  expect(answer.Response.Error.Code).toBe('AuthFailure.SignatureExpire');
});
