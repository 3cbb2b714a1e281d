import { describe, expect, it } from 'vitest';
import { tencentCn } from '../../providers/tencent-cn/index.ts';
import { ProviderFault, type OutcomeAnswer } from '../../src/contract/index.ts';
import {
  askOutcome,
  channelOf,
  fakeCall,
  someSettings,
  startInput,
} from '../support/call-plugin.ts';

const eId = channelOf(tencentCn, 'E_ID');
const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
const urls = {
  returnUrl: 'https://x.example/return/c',
  notifyUrl: 'https://x.example/n',
  reference: 'ver_reference',
};
const token = {
  EidToken: 'CE6621F1A-0F1E-45BD-BE13-34C045CEA7681',
  Url: 'https://open.weixin.example/x',
};

function prepare(given: Parameters<typeof startInput>[0], settings = someSettings) {
  const { settings: parsed } = fakeCall(tencentCn, {}, settings);
  return eId.prepare(startInput(given), {
    settings: parsed,
    nowMs: 1_800_000_000_000,
    doubt: () => {},
  });
}

function pathsOf(given: Parameters<typeof startInput>[0], settings = someSettings): string[] {
  const prepared = prepare(given, settings);
  return 'problems' in prepared ? prepared.problems.map(({ path }) => path) : [];
}

async function start(given: Parameters<typeof startInput>[0]) {
  const prepared = prepare(given);
  if ('problems' in prepared) throw new Error(JSON.stringify(prepared.problems));
  const { call, sent } = fakeCall(tencentCn, { GetEidToken: token });
  const started = await prepared.start(call, urls);
  return { started, checks: prepared.checks, sent };
}

async function outcomeOf(
  result: object | Error,
  options: { status?: string | Error; intention?: string | null } = {},
): Promise<OutcomeAnswer> {
  const { status = 'finished', intention = null } = options;
  const { call } = fakeCall(tencentCn, {
    CheckEidTokenStatus: status instanceof Error ? status : { Status: status },
    GetEidResult: result,
  });
  return askOutcome(eId, call, { token: 't', intention });
}

function passed(more: object = {}): object {
  return { Text: { ErrCode: 0, Sim: '97.31', LivenessDetail: [attempt(0)] }, ...more };
}

function attempt(code: number, charged = true): object {
  return { ReqTime: '1730451371368', IsNeedCharge: charged, Errcode: code, LivenessMode: 4 };
}

describe('E证通: requests', () => {
  it('sends the documented minimal example', async () => {
    const { sent, started } = await start({});
    expect(sent).toEqual([
      {
        action: 'GetEidToken',
        headers: expect.objectContaining({
          'content-type': 'application/json',
          'x-tc-version': '2018-03-01',
        }),
        body: { MerchantId: '0NSJ240626160443125212', RedirectUrl: urls.returnUrl },
      },
    ]);
    expect(sent[0]?.headers).not.toHaveProperty('x-tc-region');
    expect(started).toEqual({
      launch: { kind: 'redirect', url: token.Url, token: token.EidToken },
      session: { token: token.EidToken, intention: null },
      expiresInSeconds: 600,
    });
  });

  it('sends every documented field of Config by its own name', async () => {
    const { sent } = await start({
      subject,
      extra: '202411011707591990200060000',
      options: {
        inputType: 'CALLER_PASSES',
        useIntentionVerify: true,
        intentionMode: 'QUESTION_AND_ANSWER',
        intentionQuestions: [{ question: '您同意吗？', answers: ['同意', '是的'] }],
        intentionRecognition: false,
        isSupportHMTResidentPermitOCR: true,
        mouthOpenRecognition: true,
        speed: 'FASTER',
      },
    });
    expect(sent[0]?.body).toEqual({
      MerchantId: '0NSJ240626160443125212',
      Name: subject.name,
      IdCard: subject.idNumber,
      Extra: '202411011707591990200060000',
      RedirectUrl: urls.returnUrl,
      Config: {
        InputType: '4',
        UseIntentionVerify: true,
        IntentionMode: '2',
        IntentionQuestions: [{ Question: '您同意吗？', Answers: ['同意', '是的'] }],
        IntentionRecognition: false,
        IsSupportHMTResidentPermitOCR: true,
        MouthOpenRecognition: true,
        Speed: 2,
      },
    });
  });

  it.each([
    [{ intentionMode: 'READ_ALOUD', intentionVerifyText: '我同意' }, '1'],
    [{ intentionMode: 'NOD', intentionActions: [{ text: '请点头' }] }, '3'],
  ])('sends the request number of each intention mode: %j', async (options, number) => {
    const { sent, checks } = await start({ options: { useIntentionVerify: true, ...options } });
    expect(sent[0]?.body.Config.IntentionMode).toBe(number);
    expect(checks).toContain('INTENTION');
  });

  it('attests DOCUMENT only when a document is photographed', async () => {
    expect((await start({})).checks).toContain('DOCUMENT');
    const typed = await start({ options: { inputType: 'USER_TYPES' } });
    expect(typed.checks).toEqual(['LIVENESS', 'FACE_MATCH', 'IDENTITY_RECORD']);
  });
});

describe('E证通: input checks', () => {
  it('names every wrong field at once', () => {
    expect(
      pathsOf({
        subject: { name: 'x'.repeat(33), idNumber: '1104-22' },
        extra: 'x'.repeat(1025),
        referenceImage: 'AAAA',
        options: { useIntentionVerify: true, intentionMode: 'NOD', intentionVerifyText: 'x' },
      }),
    ).toEqual([
      'subject.name',
      'subject.idNumber',
      'referenceImage',
      'extra',
      'options.tencentCnEId.intentionVerifyText',
      'options.tencentCnEId.intentionActions',
    ]);
  });

  it('requires name and ID number with CALLER_PASSES', () => {
    expect(pathsOf({ options: { inputType: 'CALLER_PASSES' } })).toEqual([
      'subject.name',
      'subject.idNumber',
    ]);
  });

  it('requires useIntentionVerify for every intention option', () => {
    expect(pathsOf({ options: { intentionMode: 'NOD', speed: 'SMART' } })).toEqual([
      'options.tencentCnEId.useIntentionVerify',
    ]);
  });

  it.each([
    [{ intentionVerifyText: 'x'.repeat(121) }, 'intentionVerifyText'],
    [{ intentionMode: 'QUESTION_AND_ANSWER' }, 'intentionQuestions'],
    [
      {
        intentionMode: 'QUESTION_AND_ANSWER',
        intentionQuestions: Array.from({ length: 11 }, () => ({ question: 'q', answers: ['a'] })),
      },
      'intentionQuestions',
    ],
    [
      {
        intentionMode: 'QUESTION_AND_ANSWER',
        intentionQuestions: [{ question: 'x'.repeat(251), answers: ['a'] }],
      },
      'intentionQuestions.0.question',
    ],
    [
      {
        intentionMode: 'QUESTION_AND_ANSWER',
        intentionQuestions: [{ question: 'q', answers: ['x'.repeat(11)] }],
      },
      'intentionQuestions.0.answers.0',
    ],
    [
      { intentionMode: 'NOD', intentionActions: [{ text: 'x'.repeat(151) }] },
      'intentionActions.0.text',
    ],
  ])('enforces the limits of intention options: %j', (options, path) => {
    expect(pathsOf({ options: { useIntentionVerify: true, ...options } })).toEqual([
      `options.tencentCnEId.${path}`,
    ]);
  });

  it('counts characters, not UTF-16 units', () => {
    expect(pathsOf({ subject: { name: '𠮷'.repeat(32), idNumber: null } })).toEqual([]);
    expect(pathsOf({ subject: { name: '𠮷'.repeat(33), idNumber: null } })).toEqual([
      'subject.name',
    ]);
  });

  it('names the setting that E_ID needs', () => {
    const { MERCHANT_ID: _left, ...others } = someSettings;
    expect(pathsOf({}, others as typeof someSettings)).toEqual(['channel']);
  });
});

describe('E证通: outcomes', () => {
  it.each(['init', 'doing', 'something new'])(
    'is pending while the status is %s',
    async (status) => {
      expect(await outcomeOf(passed(), { status })).toMatchObject({ kind: 'pending' });
    },
  );

  it('reports the URL as used once the person has begun', async () => {
    expect(await outcomeOf(passed(), { status: 'doing' })).toMatchObject({ launchUsed: true });
    expect(await outcomeOf(passed(), { status: 'init' })).not.toHaveProperty('launchUsed', true);
  });

  it.each([
    ['no text', {}],
    ['a null text', { Text: null }],
    ['a null code', { Text: { ErrCode: null, IdCard: '', Name: '' } }],
    ['an empty code', { Text: { ErrCode: '' } }],
    ['code 17', { Text: { ErrCode: 17 } }],
  ])('is pending when finished with %s', async (_name, result) => {
    expect(await outcomeOf(result)).toMatchObject({ kind: 'pending' });
  });

  it('passes on code 0 as a number or as text', async () => {
    for (const code of [0, '0']) {
      expect(await outcomeOf({ Text: { ErrCode: code } })).toMatchObject({
        kind: 'ended',
        result: { status: 'PASSED', code: '0', reason: 'VERIFIED', billing: 'CHARGED' },
      });
    }
  });

  it('never passes on an unknown code', async () => {
    expect(await outcomeOf({ Text: { ErrCode: 4242 } })).toMatchObject({
      kind: 'ended',
      result: { status: 'UNDETERMINED', code: '4242', reason: 'OTHER', billing: 'UNKNOWN' },
    });
  });

  it('counts every charged attempt of a flow that failed', async () => {
    const details = [attempt(2016), attempt(2016), attempt(1002, false)];
    expect(await outcomeOf({ Text: { ErrCode: 1002, LivenessDetail: details } })).toMatchObject({
      kind: 'ended',
      result: { status: 'FAILED', code: '1002', billing: 'CHARGED', chargedAttempts: 2 },
    });
  });

  it('reports billing UNKNOWN when the response does not say it', async () => {
    const { IsNeedCharge: _left, ...unsaid } = attempt(2006) as { IsNeedCharge: boolean };
    const details = [unsaid, attempt(1004, false)];
    expect(await outcomeOf({ Text: { ErrCode: 1004, LivenessDetail: details } })).toMatchObject({
      result: { billing: 'UNKNOWN', chargedAttempts: null },
    });
    expect(await outcomeOf({ Text: { ErrCode: 0 } })).toMatchObject({
      result: { billing: 'CHARGED', chargedAttempts: null },
    });
    const free = [attempt(2016, false)];
    expect(await outcomeOf({ Text: { ErrCode: 2016, LivenessDetail: free } })).toMatchObject({
      result: { billing: 'NOT_CHARGED', chargedAttempts: 0 },
    });
  });

  it('keeps PASSED when an unimportant field is malformed', async () => {
    const odd = { ...attempt(0), IsNeedCharge: 'true', ReqTime: '9'.repeat(30), Errcode: {} };
    for (const details of ['text', [odd], [null]]) {
      expect(await outcomeOf({ Text: { ErrCode: 0, LivenessDetail: details } })).toMatchObject({
        result: { status: 'PASSED', completedAtMs: null },
      });
    }
  });

  it('queries the result also after a time-out, because the person may have just passed', async () => {
    expect(await outcomeOf(passed(), { status: 'timeout' })).toMatchObject({
      kind: 'ended',
      result: { status: 'PASSED' },
    });
    const expired = new ProviderFault('session_expired');
    expect(await outcomeOf(passed(), { status: expired })).toMatchObject({
      result: { status: 'PASSED' },
    });
  });

  it('expires when the provider says so, with the attempts charged before', async () => {
    const unfinished = { Text: { ErrCode: null, LivenessDetail: [attempt(2016)] } };
    expect(await outcomeOf(unfinished, { status: 'timeout' })).toMatchObject({
      kind: 'ended',
      result: { status: 'EXPIRED', billing: 'CHARGED', chargedAttempts: 1 },
    });
    const gone = new ProviderFault('session_expired');
    expect(await outcomeOf(gone, { status: gone })).toMatchObject({
      kind: 'ended',
      result: { status: 'EXPIRED', billing: 'UNKNOWN', chargedAttempts: null },
    });
  });

  it('gets no outcome from a token that the provider does not know', async () => {
    expect(await outcomeOf(new ProviderFault('session_expired'))).toMatchObject({
      kind: 'not_told',
    });
    for (const kind of ['session_unknown', 'rejected'] as const) {
      expect(await outcomeOf(passed(), { status: new ProviderFault(kind) })).toMatchObject({
        kind: 'not_told',
      });
      expect(await outcomeOf(new ProviderFault(kind))).toMatchObject({ kind: 'not_told' });
    }
  });

  it('keeps the verification pending when the query is throttled', async () => {
    await expect(outcomeOf(new ProviderFault('throttled'))).rejects.toThrow(ProviderFault);
  });

  it('returns no name, number, address, image or recording without the key of the merchant', async () => {
    const canary = 'CANARY';
    const answer = await outcomeOf({
      Text: {
        ErrCode: 0,
        OcrName: canary,
        OcrIdCard: canary,
        OcrAddress: canary,
        Mobile: canary,
        LivenessDetail: [{ ...attempt(0), Idcard: canary, Name: canary, Errmsg: canary }],
      },
      EidInfo: { EidCode: 'of the person', DesKey: canary, UserInfo: canary },
      BestFrame: { BestFrame: canary },
      IdCardData: { OcrFront: canary },
    });
    expect(JSON.stringify(answer)).not.toContain(canary);
  });
});

describe('E证通: the intention check decides after ErrCode 0', () => {
  const readAloud = { IsVerifyIntention: true, IntentionVerifyType: '2' };

  it.each([
    ['READ_ALOUD', '2', { IntentionVerifyData: { ErrorCode: 0 } }],
    [
      'QUESTION_AND_ANSWER',
      '0',
      { IntentionQuestionResult: { FinalResultDetailCode: 0, FinalResultCode: '0' } },
    ],
    ['NOD', '1', { IntentionActionResult: { FinalResultDetailCode: 0 } }],
  ])('reads the object of %s, with number %s in responses', async (mode, number, more) => {
    const answer = passed({ IsVerifyIntention: true, IntentionVerifyType: number, ...more });
    expect(await outcomeOf(answer, { intention: mode })).toMatchObject({
      kind: 'ended',
      result: { status: 'PASSED', details: { intentionMode: mode, intentionCode: '0' } },
    });
  });

  it('does not read the object of another mode', async () => {
    // "1" is nodding in answers; a reader of the request's numbers would take the read text.
    const answer = passed({
      IsVerifyIntention: true,
      IntentionVerifyType: '1',
      IntentionVerifyData: { ErrorCode: 0 },
      IntentionActionResult: { FinalResultDetailCode: -301 },
    });
    expect(await outcomeOf(answer, { intention: 'NOD' })).toMatchObject({
      result: { status: 'FAILED', reason: 'INTENTION_NOT_CONFIRMED', code: '-301' },
    });
  });

  it.each([
    [-17, 'FAILED'],
    [-15, 'FAILED'],
    [3011, 'FAILED'],
    [-803, 'CANCELLED'],
    [-4, 'UNDETERMINED'],
    [-14, 'UNDETERMINED'],
    [9999, 'UNDETERMINED'],
  ])('maps the read-aloud code %i to %s, and charges for the face', async (code, status) => {
    const answer = passed({ ...readAloud, IntentionVerifyData: { ErrorCode: code } });
    const outcome = await outcomeOf(answer, { intention: 'READ_ALOUD' });
    expect(outcome).toMatchObject({ result: { status, code: String(code), billing: 'CHARGED' } });
  });

  it('stays pending while the intention is not finished (-12)', async () => {
    const answer = passed({ ...readAloud, IntentionVerifyData: { ErrorCode: -12 } });
    expect(await outcomeOf(answer, { intention: 'READ_ALOUD' })).toMatchObject({ kind: 'pending' });
  });

  it.each([
    ['null', { ...readAloud, IntentionVerifyData: null }],
    ['absent, and not reported as requested', {}],
    ['denied', { IsVerifyIntention: false }],
    [
      'denied beside a code 0, as without an intention',
      { IsVerifyIntention: false, IntentionVerifyData: { ErrorCode: 0 } },
    ],
    ['a code 0 without a word about an intention', { IntentionVerifyData: { ErrorCode: 0 } }],
  ])('never passes on the face alone when the intention is %s', async (_name, more) => {
    expect(await outcomeOf(passed(more), { intention: 'READ_ALOUD' })).toMatchObject({
      kind: 'not_told',
      chargedAttempts: 1,
    });
  });

  it('does not pass when the two codes of questions and answers differ', async () => {
    const answer = passed({
      IsVerifyIntention: true,
      IntentionVerifyType: '0',
      IntentionQuestionResult: { FinalResultDetailCode: 0, FinalResultCode: '-1' },
    });
    expect(await outcomeOf(answer, { intention: 'QUESTION_AND_ANSWER' })).toMatchObject({
      result: { status: 'FAILED', code: '-1' },
    });
  });

  it('returns the code of the face step when the face failed', async () => {
    const answer = { Text: { ErrCode: 2016 }, ...readAloud, IntentionVerifyData: null };
    expect(await outcomeOf(answer, { intention: 'READ_ALOUD' })).toMatchObject({
      result: { status: 'FAILED', code: '2016', reason: 'FACE_MISMATCH' },
    });
  });

  it.each([
    [null, '1'],
    ['READ_ALOUD', '15'],
    ['QUESTION_AND_ANSWER', '16'],
    ['NOD', '16'],
  ])(
    'requests text and the data of the intention %s only: InfoType %s',
    async (intention, infoType) => {
      const { call, sent } = fakeCall(tencentCn, {
        CheckEidTokenStatus: { Status: 'finished' },
        GetEidResult: {},
      });
      await askOutcome(eId, call, { token: 't', intention });
      expect(sent.at(-1)?.body).toEqual({ EidToken: 't', InfoType: infoType });
    },
  );
});
