import { describe, expect, it } from 'vitest';
import { oemcloud } from '../../providers/oemcloud/index.ts';
import { failureCodes } from '../../providers/oemcloud/mapping.ts';
import { faceCodes, gatewayErrors } from '../../sandbox/oemcloud/codes.ts';
import { parseProviderSettings } from '../../src/boot/parse-provider-settings.ts';
import {
  classifyCode,
  ProviderErrorResponse,
  ProviderFault,
  type ProviderCall,
  type StartInput,
  type UpstreamRequest,
} from '../../src/contract/index.ts';
import type { OemcloudSettings } from '../../providers/oemcloud/settings.ts';
import { askOutcome, channelOf, startInput } from '../support/call-plugin.ts';

const nowMs = Date.UTC(2026, 10, 22, 16, 1);
const person = { name: '韦小宝', idNumber: '11204416541220243X' };
const urls = {
  returnUrl: 'https://x.example/return/c',
  notifyUrl: 'https://x.example/n',
  reference: 'ver_reference',
};
const flow = {
  flowId: '1862291536444700249',
  authUrl: 'https://smlt.tsign.example/I7vLahiqTMqT',
  originalUrl: 'https://open.weixin.example/connect?token=2F803B97',
  faceToken: '2F803B97-0B3A-4EE0-A8A4-44564A292492',
  expire: nowMs + 1_800_000,
};

interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
}

function settingsOf(OUTCOME = 'face'): OemcloudSettings {
  const parsed = parseProviderSettings(oemcloud, { APP_CODE: 'code', OUTCOME });
  if ('wrong' in parsed) throw new Error(parsed.wrong.join());
  return parsed.settings as OemcloudSettings;
}

function callWith({ status = 200, headers = {}, body }: Answer, outcome?: string) {
  const sent: UpstreamRequest[] = [];
  const call: ProviderCall<OemcloudSettings> = {
    settings: settingsOf(outcome),
    now: () => nowMs,
    sleep: async () => {},
    accessToken: async () => Promise.reject(new Error('none is used')),
    send: async (upstream) => {
      sent.push(upstream.build(nowMs, nowMs + 7));
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      return upstream.read({ status, headers, body: Buffer.from(text) }, { requestId: () => {} });
    },
  };
  return { call, sent };
}

function prepare(channel: string, given: Partial<StartInput> = {}) {
  const doubts: string[] = [];
  const prepared = channelOf(oemcloud, channel).prepare(startInput({ subject: person, ...given }), {
    settings: settingsOf(),
    nowMs,
    doubt: (path, message) => {
      if (message !== null) doubts.push(path);
    },
  });
  return { prepared, doubts };
}

function pathsOf(given: Partial<StartInput>, channel = 'FACE_WEB'): string[] {
  const { prepared } = prepare(channel, given);
  return 'problems' in prepared ? prepared.problems.map(({ path }) => path) : [];
}

async function start(channel: string, given: Partial<StartInput> = {}, answer?: Answer) {
  const { prepared } = prepare(channel, given);
  if ('problems' in prepared) throw new Error(JSON.stringify(prepared.problems));
  const { call, sent } = callWith(answer ?? { body: { code: 0, message: '成功', data: flow } });
  const started = await prepared.start(call, urls);
  return { started, sent, body: JSON.parse(String(sent[0]?.body ?? '')) };
}

async function outcomeOf(outcome: string, data: unknown, code = 0) {
  const { call, sent } = callWith({ body: { code, message: '', data } }, outcome);
  const answer = await askOutcome(channelOf(oemcloud, 'FACE_WEB'), call, { flowId: flow.flowId });
  return { answer, sent };
}

describe('oemcloud: requests', () => {
  it('sends the documented example, without the extras of its sample code', async () => {
    const { sent, body } = await start('FACE_WECHAT_MINI_PROGRAM', { extra: '201908221430111' });
    expect(sent[0]).toMatchObject({
      method: 'POST',
      url: 'https://auth.csapi.com.cn/v2/identity/auth/api/individual/face',
      headers: {
        authorization: 'APPCODE code',
        'x-ca-nonce': String(nowMs + 7),
        'content-type': 'application/json',
      },
    });
    expect(body).toEqual({
      name: '韦小宝',
      idNo: '11204416541220243X',
      faceauthMode: 'WE_CHAT_FACE',
      callbackUrl: urls.returnUrl,
      notifyUrl: urls.notifyUrl,
      contextId: '201908221430111',
    });
  });

  it('sends the mode of each channel and every option', async () => {
    expect((await start('FACE_WEB')).body).toMatchObject({ faceauthMode: 'TENCENT' });
    const { body } = await start('FACE_ALIPAY', {
      options: { receivesWebviewMessages: true, repetition: true },
    });
    expect(body).toMatchObject({ faceauthMode: 'ZHIMACREDIT', repetition: true });
    // Documented: a web-view gets messages only without a return URL.
    expect(body).not.toHaveProperty('callbackUrl');
  });

  it.each<[Partial<StartInput>, string]>([
    [{ subject: { ...person, name: null } }, 'subject.name'],
    [{ subject: { ...person, idNumber: null } }, 'subject.idNumber'],
    [{ subject: { ...person, idNumber: 'H1234567(8)' } }, 'subject.idNumber'],
    [{ referenceImage: 'AAAA' }, 'referenceImage'],
    [{ extra: 'x'.repeat(1001) }, 'extra'],
    [
      { options: { receivesWebviewMessages: true } },
      'options.oemcloudFace.receivesWebviewMessages',
    ],
  ])('rejects %j', (given, path) => {
    expect(pathsOf(given)).toEqual([path]);
  });

  it('rejects a page to return to where the page sends a message instead', () => {
    const given = { options: { receivesWebviewMessages: true }, hasRedirectUrl: true };
    expect(pathsOf(given, 'FACE_ALIPAY')).toEqual(['redirectUrl']);
    expect(pathsOf({ hasRedirectUrl: true }, 'FACE_ALIPAY')).toEqual([]);
    expect(pathsOf({ hasRedirectUrl: true }, 'FACE_WECHAT_MINI_PROGRAM')).toEqual(['redirectUrl']);
  });

  it('leaves the length of names and numbers to the provider, whose page states none', () => {
    for (const subject of [
      { ...person, name: '阿'.repeat(80) },
      { ...person, idNumber: 'H1234567' },
      { ...person, idNumber: '1234567890123456' },
    ]) {
      expect(pathsOf({ subject })).toEqual([]);
    }
  });

  it.each([
    // 16:01 UTC of the 22nd is the 23rd of November in China.
    ['320926201211235276', []],
    ['320926201211245276', ['subject.idNumber']],
    ['340103202308176095', ['subject.idNumber']],
    ['320926201202295276', []],
    // No date can be read: the provider decides.
    ['320926999913995276', []],
    ['320926551117527', []],
  ])('requires the age of 14 by the date in China: %s', (idNumber, paths) => {
    expect(pathsOf({ subject: { ...person, idNumber } })).toEqual(paths);
  });

  it('leaves the check digit to INPUT_CHECKSUMS', () => {
    expect(prepare('FACE_WEB').doubts).toEqual(['subject.idNumber']);
    const idNumber = '320926195511175276';
    expect(prepare('FACE_WEB', { subject: { ...person, idNumber } }).doubts).toEqual([]);
  });
});

describe('oemcloud: responses', () => {
  it('yields a launch for each channel', async () => {
    for (const channel of ['FACE_WEB', 'FACE_ALIPAY']) {
      expect((await start(channel)).started).toEqual({
        launch: {
          kind: 'redirect',
          url: flow.authUrl,
          longUrl: flow.originalUrl,
          token: flow.faceToken,
        },
        session: { flowId: flow.flowId },
        flowId: flow.flowId,
        expiresInSeconds: 1800,
      });
    }
    expect((await start('FACE_WECHAT_MINI_PROGRAM')).started.launch).toEqual({
      kind: 'mini_program',
      token: flow.faceToken,
      url: flow.authUrl,
      longUrl: flow.originalUrl,
    });
  });

  it('reads fields beside the code, and a numeric flowId of 19 digits', async () => {
    const beside = `{"code":0,"flowId":1862291536444700249,"authUrl":"https://a.example/x"}`;
    const { started } = await start('FACE_WEB', {}, { body: beside });
    expect(started.session).toEqual({ flowId: '1862291536444700249' });
    // Without `expire` half an hour is taken.
    expect(started).toMatchObject({ expiresInSeconds: 1800 });
  });

  it.each([
    ['a start without a URL', 'FACE_WEB', { ...flow, authUrl: null, originalUrl: null }],
    ['a mini-program without its token', 'FACE_WECHAT_MINI_PROGRAM', { ...flow, faceToken: '' }],
    ['a start without flowId', 'FACE_WEB', { ...flow, flowId: undefined }],
  ])('rejects %s', async (_name, channel, data) => {
    await expect(start(channel, {}, { body: { code: 0, data } })).rejects.toBeInstanceOf(Error);
  });

  it.each<[string, Answer, string]>([
    ['a code', { body: { code: 30503107, data: null } }, '30503107'],
    ['a code under HTTP 400', { status: 400, body: { code: '30500101' } }, '30500101'],
    ['the gateway', { status: 403, headers: { 'x-ca-error-code': 'B403MQ' }, body: '' }, 'B403MQ'],
    [
      'the gateway with any body',
      { status: 400, headers: { 'x-ca-error-code': 'A400AC' }, body: { code: 0, data: flow } },
      'A400AC',
    ],
    [
      'a refused nonce under any code of the gateway',
      {
        status: 400,
        headers: { 'x-ca-error-code': 'I400NU', 'x-ca-error-message': 'Nonce Used' },
        body: '',
      },
      'NonceRefused',
    ],
    [
      'the backend, whatever its message mentions',
      {
        status: 504,
        headers: { 'x-ca-error-code': 'D504TO', 'x-ca-error-message': 'Timeout, nonce=1' },
        body: '',
      },
      'D504TO',
    ],
  ])('reads the code of %s', async (_name, answer, code) => {
    const error = await start('FACE_WEB', {}, answer).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProviderErrorResponse);
    expect(error).toMatchObject({ code });
  });

  it.each([
    ['人脸认证方式传参错误', 'faceauthMode is wrong.'],
    ['faceauthMode不能为空', 'faceauthMode is missing.'],
    ['name字段不能为空', 'The name is missing.'],
    ['idNo字段不能为空', 'The ID number is missing.'],
    ['callbackUrl字段不能为空', 'callbackUrl is missing.'],
    ['请输入正确的身份证号码', 'The ID number is not a resident ID number.'],
    ['some other text with 韦小宝', undefined],
  ])('tells the meanings of 30500101 apart: %s', async (text, explanation) => {
    const body = { code: 30500101, message: `参数错误: ${text}`, data: null };
    const error = await start('FACE_WEB', {}, { body }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: '30500101', explanation });
  });

  it('keeps the number for support of 30500000', async () => {
    const body = { code: 30500000, message: '操作出错,请联系服务人员处理, ID:A1-77', data: null };
    const error = await start('FACE_WEB', {}, { body }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: '30500000', requestId: 'A1-77' });
  });

  it.each<[string, Answer]>([
    ['a 5xx', { status: 500, body: { code: 30500101 } }],
    [
      'a 5xx that mentions a nonce',
      { status: 503, headers: { 'x-ca-error-message': 'nonce' }, body: '' },
    ],
    ['a success under another status', { status: 202, body: { code: 0, data: flow } }],
    [
      'a success with an error beside it',
      { headers: { 'x-ca-error-code': 'A400AC' }, body: { code: 0, data: flow } },
    ],
  ])('treats %s as possibly done', async (_name, answer) => {
    const error = await start('FACE_WEB', {}, answer).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProviderFault);
    expect(error).toMatchObject({ kind: 'protocol' });
  });

  it('accepts a success whose message mentions a nonce', async () => {
    const headers = { 'x-ca-error-message': 'nonce' };
    const { started } = await start('FACE_WEB', {}, { headers, body: { code: 0, data: flow } });
    expect(started.session).toEqual({ flowId: flow.flowId });
  });

  it('uses the long URL when the short one is empty', async () => {
    const data = { ...flow, authUrl: '', faceToken: '' };
    const { started } = await start('FACE_WEB', {}, { body: { code: 0, data } });
    expect(started.launch).toEqual({
      kind: 'redirect',
      url: flow.originalUrl,
      longUrl: flow.originalUrl,
      token: undefined,
    });
  });

  it('maps every gateway code of a family to the same kinds of fault', () => {
    const sixes = Object.keys(oemcloud.faults).filter((code) => /^[A-Z]\d{3}[A-Z]{2}$/u.test(code));
    expect(new Set(sixes)).toEqual(new Set(Object.keys(gatewayErrors)));
    const families: [RegExp, string[]][] = [
      [/^[DNX]/u, ['internal']],
      [/^T429/u, ['throttled']],
      [/^A/u, ['credentials', 'misconfigured']],
      [/^B/u, ['quota_exhausted', 'misconfigured']],
      [/^I/u, ['rejected', 'misconfigured']],
    ];
    for (const code of sixes) {
      const kinds = families.find(([family]) => family.test(code))?.[1] ?? [];
      expect(kinds, code).toContain(classifyCode(oemcloud.faults, code));
    }
    expect(classifyCode(oemcloud.faults, '30500000')).toBe('internal');
    expect(classifyCode(oemcloud.faults, '30500003')).toBeUndefined();
  });
});

describe('oemcloud: outcomes', () => {
  it('queries each way by its own path, with a new nonce', async () => {
    for (const [outcome, path] of [
      ['outline', `/v2/identity/auth/api/common/${flow.flowId}/outline`],
      ['detail', `/v2/identity/auth/api/common/${flow.flowId}/detail`],
      ['face', `/v2/identity/auth/pub/individual/${flow.flowId}/face`],
    ] as const) {
      const { sent } = await outcomeOf(outcome, { status: 'ING', flowStatus: 'ING' });
      expect(sent[0]).toMatchObject({
        method: 'GET',
        url: `https://auth.csapi.com.cn${path}`,
        headers: { authorization: 'APPCODE code', 'x-ca-nonce': String(nowMs + 7) },
      });
    }
  });

  it('passes on SUCCESS only', async () => {
    for (const [outcome, field] of [
      ['outline', 'flowStatus'],
      ['detail', 'status'],
      ['face', 'status'],
    ] as const) {
      const { answer } = await outcomeOf(outcome, { [field]: 'SUCCESS' });
      expect(answer).toMatchObject({ result: { status: 'PASSED', billing: 'UNKNOWN' } });
      for (const word of ['success', 'FINISH', 'PASS', '', null, 0, undefined]) {
        const other = (await outcomeOf(outcome, { [field]: word })).answer;
        expect(other, String(word)).toEqual({ kind: 'not_told' });
      }
    }
  });

  it('reads scores, time and who it was, and no other personal data', async () => {
    const { answer } = await outcomeOf('detail', {
      status: 'SUCCESS',
      endTime: nowMs,
      indivInfo: {
        ...{ name: '韦小宝', certNo: 'A1', similarity: '97.31', livingScore: '99.5' },
        ...{ mobileNo: 'CANARY', bankCardNo: 'CANARY', facePhotoUrl: 'CANARY' },
      },
    });
    expect(answer).toMatchObject({
      result: {
        similarity: 97.31,
        completedAtMs: nowMs,
        details: { __typename: 'OemcloudFaceDetails', livingScore: 99.5 },
        identity: { source: 'CALLER', name: '韦小宝', idNumber: 'A1' },
      },
    });
    expect(JSON.stringify(answer)).not.toContain('CANARY');
  });

  it('maps every failure code of the sandbox, and fails on an unknown one', async () => {
    const known = faceCodes.filter(({ code }) => code !== '0').map(({ code }) => code);
    expect(Object.keys(failureCodes)).toEqual(known);
    const { answer } = await outcomeOf('face', { status: 'FAIL', failedReasonCode: 1_449_999 });
    expect(answer).toMatchObject({
      result: { status: 'FAILED', code: '1449999', reason: 'OTHER' },
    });
  });
});

describe('oemcloud: notifications', () => {
  const { notification } = channelOf(oemcloud, 'FACE_WEB');
  const context = { settings: settingsOf(), nowMs };
  const read = (body: unknown, method: 'GET' | 'POST' = 'POST') =>
    notification?.read(
      { method, query: '', headers: {}, body: Buffer.from(JSON.stringify(body)) },
      { flowId: flow.flowId },
      context,
    );
  const { flowId } = flow;

  it('reads passed or failed for its own flow', () => {
    expect(read({ flowId, success: true, status: true })).toMatchObject({
      result: { status: 'PASSED', billing: 'UNKNOWN' },
    });
    expect(read({ flowId, success: false, failReasonCode: '1445900' })).toMatchObject({
      result: { status: 'FAILED', reason: 'FACE_MISMATCH', code: '1445900' },
    });
    expect(read({ flowId, status: false })).toMatchObject({ result: { status: 'FAILED' } });
  });

  it('compares every digit of the flow id, also of a number', () => {
    const body = Buffer.from(`{"flowId":${flowId},"success":true}`);
    const given = { method: 'POST', query: '', headers: {}, body } as const;
    expect(notification?.read(given, { flowId }, context)).toMatchObject({
      result: { status: 'PASSED' },
    });
    expect(notification?.read(given, { flowId: '1862291536444700200' }, context)).toBeNull();
  });

  it('ignores another flow, a contradiction, a missing status and a GET', () => {
    expect(read({ flowId: '1', success: true })).toBeNull();
    expect(read({ flowId, success: true, status: false })).toBeNull();
    expect(read({ flowId })).toBeNull();
    expect(read({ flowId, success: true }, 'GET')).toBeNull();
  });

  it('rejects a success that is no boolean', () => {
    for (const success of ['true', 1, 'false', {}]) {
      expect(() => read({ flowId, success })).toThrow('success');
    }
  });
});

describe('oemcloud: settings', () => {
  it('require OEMCLOUD_OUTCOME by name', () => {
    expect(parseProviderSettings(oemcloud, { APP_CODE: 'CANARY' })).toEqual({
      wrong: ['OEMCLOUD_OUTCOME is needed.'],
    });
    const wrong = parseProviderSettings(oemcloud, { APP_CODE: 'CANARY', OUTCOME: 'CANARY' });
    expect(JSON.stringify(wrong)).toContain('must be one of outline, detail, face');
    expect(JSON.stringify(wrong)).not.toContain('CANARY');
  });
});
