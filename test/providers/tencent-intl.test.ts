import { describe, expect, it } from 'vitest';
import { tencentIntl } from '../../providers/tencent-intl/index.ts';
import { webCodes } from '../../providers/tencent-intl/mapping.ts';
import { ProviderFault, type StartInput } from '../../src/contract/index.ts';
import { askOutcome, channelOf, fakeCall, startInput } from '../support/call-plugin.ts';

const web = channelOf(tencentIntl, 'FACE_WEB');
const someSettings = { SECRET_ID: 'IKIDtest', SECRET_KEY: 'test-key' };
const image = Buffer.from('not a picture').toString('base64');
const urls = {
  returnUrl: 'https://x.example/return/c',
  notifyUrl: 'https://x.example/n',
  reference: 'ver_reference',
};

function prepare(given: Partial<StartInput>) {
  const { settings } = fakeCall(tencentIntl, {}, someSettings);
  return web.prepare(startInput(given), { settings, nowMs: 0, doubt: () => {} });
}

function pathsOf(given: Partial<StartInput>): string[] {
  const prepared = prepare(given);
  return 'problems' in prepared ? prepared.problems.map(({ path }) => path) : [];
}

async function start(
  given: Partial<StartInput>,
  answer: object = { BizToken: 'T', VerificationURL: 'https://intl.example/?token=T' },
  settings: Record<string, string> = someSettings,
) {
  const prepared = prepare(given);
  if ('problems' in prepared) throw new Error(JSON.stringify(prepared.problems));
  const action = 'ApplyWebVerificationBizTokenIntl';
  const { call, sent } = fakeCall(tencentIntl, { [action]: answer }, settings);
  return { started: await prepared.start(call, urls), checks: prepared.checks, sent };
}

const returned = { hasReturned: true, isOver: false };

function outcomeOf(result: object | Error, progress = returned) {
  const { call } = fakeCall(tencentIntl, { GetWebVerificationResultIntl: result }, someSettings);
  return askOutcome(web, call, { token: 'T' }, progress);
}

describe('tencent-intl: requests', () => {
  it('sends the documented example with its action and region', async () => {
    const { sent, started, checks } = await start({ referenceImage: image, extra: 'ExtraString' });
    expect(sent[0]).toMatchObject({
      headers: {
        'x-tc-action': 'ApplyWebVerificationBizTokenIntl',
        'x-tc-region': 'ap-singapore',
      },
      body: {
        RedirectURL: urls.returnUrl,
        CompareImageBase64: image,
        Extra: 'ExtraString',
      },
    });
    expect(checks).toEqual(['LIVENESS', 'FACE_MATCH']);
    expect(started).toMatchObject({
      launch: { kind: 'redirect', url: 'https://intl.example/?token=T', token: 'T' },
      expiresInSeconds: 600,
    });
  });

  it('sends every field of Config by its own name', async () => {
    const { sent, checks } = await start({
      options: {
        ruleId: '7',
        autoSkipStartPage: true,
        autoSkip: true,
        checkMode: 'OCR_LIVENESS_COMPARE',
        idCardType: 'HK_ID_CARD',
        disableCheckOcrWarnings: false,
        securityLevel: 'ACTION',
        skipPrivacyPolicy: false,
        idCardCutReturn: true,
        themeColor: '#2d72f1',
        language: 'ZH_TC',
        autoDowngrade: false,
        actionList: ['BLINK', 'NOD'],
        livenessRetryLimit: 3,
        livenessTimeout: 45,
        selectedWarningCodes: [-9102, -9104],
        allowExpiredDocument: false,
      },
    });
    expect(sent[0]?.body).toEqual({
      RedirectURL: urls.returnUrl,
      RuleId: '7',
      Config: {
        AutoSkipStartPage: true,
        AutoSkip: true,
        CheckMode: 1,
        IDCardType: 'HKIDCard',
        DisableCheckOcrWarnings: false,
        SecurityLevel: 2,
        SkipPrivacyPolicy: false,
        IdCardCutReturn: true,
        ThemeColor: '#2d72f1',
        Language: 'zh-tc',
        AutoDowngrade: 2,
        ActionList: 'blink,nod',
        LivenessRetryLimit: 3,
        LivenessTimeout: 45,
        SelectedWarningCodes: '-9102,-9104',
        AllowExpiredDocument: false,
      },
    });
    expect(checks).toEqual(['DOCUMENT', 'LIVENESS', 'FACE_MATCH']);
  });

  it('accepts the URL under its older name, and takes the lifetime from the setting', async () => {
    const { started } = await start(
      { referenceImage: image },
      { BizToken: 'T', VerificationUrl: 'https://old.example' },
      { ...someSettings, BIZ_TOKEN_TTL_SECONDS: '7200' },
    );
    expect(started).toMatchObject({
      launch: { url: 'https://old.example' },
      expiresInSeconds: 7200,
    });
  });
});

describe('tencent-intl: input checks', () => {
  const at = (field: string): string => `options.tencentIntlWeb.${field}`;

  it.each<[string, Partial<StartInput>, string[]]>([
    ['nothing to compare with', {}, ['referenceImage']],
    [
      'a subject, which is not used',
      { referenceImage: image, subject: { name: 'N', idNumber: '1' } },
      ['subject.name', 'subject.idNumber'],
    ],
    [
      'an image that is not used',
      { referenceImage: image, options: { checkMode: 'OCR' } },
      ['referenceImage'],
    ],
    [
      'actions without a level for them',
      { options: { checkMode: 'LIVENESS', actionList: ['NOD'] } },
      [at('actionList')],
    ],
    [
      'three actions',
      {
        options: {
          checkMode: 'LIVENESS',
          securityLevel: 'ACTION',
          actionList: ['NOD', 'BLINK', 'MOUTH'],
        },
      },
      [at('actionList')],
    ],
    [
      'numbers out of range',
      { options: { checkMode: 'LIVENESS', livenessRetryLimit: 100, livenessTimeout: 0 } },
      [at('livenessRetryLimit'), at('livenessTimeout')],
    ],
    [
      'warnings that are unchecked or unknown',
      {
        options: {
          checkMode: 'OCR',
          disableCheckOcrWarnings: true,
          selectedWarningCodes: [-9105],
        },
      },
      [at('selectedWarningCodes'), at('selectedWarningCodes')],
    ],
    [
      'expired documents of another kind, and an invalid colour',
      { options: { checkMode: 'OCR', allowExpiredDocument: true, themeColor: 'red' } },
      [at('allowExpiredDocument'), at('themeColor')],
    ],
    ['a long extra', { referenceImage: image, extra: 'x'.repeat(1001) }, ['extra']],
  ])('rejects %s', (_name, given, paths) => {
    expect(pathsOf(given)).toEqual(paths);
  });
});

describe('tencent-intl: outcomes', () => {
  it.each([{}, { ErrorCode: null }, { ErrorCode: 17 }])('is pending on %j', async (result) => {
    expect(await outcomeOf(result)).toMatchObject({ kind: 'pending' });
  });

  it('passes on 0, with the similarity of the latest attempt', async () => {
    const attempts = [
      { ErrorCode: 0, ReqTimestamp: 2000, Similarity: 91 },
      { ErrorCode: 1004, ReqTimestamp: 1000, Similarity: 12 },
    ];
    expect(await outcomeOf({ ErrorCode: 0, VerificationDetailList: attempts })).toMatchObject({
      result: { status: 'PASSED', similarity: 91, completedAtMs: 2000, chargedAttempts: 1 },
    });
  });

  it('does not pass when a document failed', async () => {
    const documents = [{ IsPass: true }, { IsPass: false, WarnCardInfos: [-9102] }];
    expect(await outcomeOf({ ErrorCode: 0, OCRResult: documents })).toMatchObject({
      result: {
        status: 'UNDETERMINED',
        details: { documentPassed: false, documentWarningCodes: [-9102] },
      },
    });
  });

  it.each([
    ['a failed attempt', { ErrorCode: 1004 }],
    ['an unknown code', { ErrorCode: 4242 }],
    ['a document that failed', { ErrorCode: 0, OCRResult: [{ IsPass: false }] }],
  ])('waits after %s until the person is back or the time is over', async (_what, result) => {
    const kindAfter = async (progress: typeof returned) => (await outcomeOf(result, progress)).kind;
    expect(await kindAfter({ hasReturned: false, isOver: false })).toBe('pending');
    expect(await kindAfter(returned)).toBe('ended');
    expect(await kindAfter({ hasReturned: false, isOver: true })).toBe('ended');
  });

  it.each([0, 15, 16, 1409, 1410])('is told at once by the code %s', async (code) => {
    const atOnce = { hasReturned: false, isOver: false };
    expect((await outcomeOf({ ErrorCode: code }, atOnce)).kind).toBe('ended');
  });

  it('is not finished with the code -999, which a sibling action has', async () => {
    expect((await outcomeOf({ ErrorCode: -999 })).kind).toBe('pending');
  });

  it('knows no number of charges without a list of attempts', async () => {
    expect(await outcomeOf({ ErrorCode: 0, VerificationDetailList: [] })).toMatchObject({
      result: { billing: 'CHARGED', chargedAttempts: null },
    });
  });

  it('keeps no code that may be the number of a person', async () => {
    expect(await outcomeOf({ ErrorCode: '11204416541220243X' })).toMatchObject({
      result: { status: 'UNDETERMINED', code: 'unreadable' },
    });
  });

  const general = (fields: object) => ({
    ...{ ErrorCode: 0, OCRResult: [{ IsPass: true, NormalCardInfo: { GeneralCard: fields } }] },
  });
  const number = { LicenseNumber: 'A0000001' };

  it.each([
    ['both scripts', { FirstName: 'SAND', LastName: 'BOX', FullNameLocal: '沙箱' }, 'SAND BOX'],
    ['the local script only', { FirstNameLocal: '沙', LastNameLocal: '箱' }, '沙 箱'],
  ])('reads a name in %s', async (_what, fields, name) => {
    expect(await outcomeOf(general({ ...number, ...fields }))).toMatchObject({
      result: { identity: { name } },
    });
  });

  it.each([
    ['1990-03-07', '1990-03-07'],
    ['19900307', '1990-03-07'],
    ['07031990', '07031990'],
    ['12311990', '12311990'],
    ['JAKARTA, 07-03-1990', '07-03-1990'],
    ['JAKARTA / 1990-03-07', '1990-03-07'],
    ['7 MAR 1990', '7 MAR 1990'],
    ['JAKARTA', null],
  ])('reads the birth date %s as %s', async (Birthday, birthDate) => {
    expect(await outcomeOf(general({ ...number, Birthday }))).toMatchObject({
      result: { identity: { document: { birthDate } } },
    });
  });

  it('never passes on an unknown code', async () => {
    expect(await outcomeOf({ ErrorCode: 4242 })).toMatchObject({
      result: { status: 'UNDETERMINED', reason: 'OTHER', billing: 'UNKNOWN' },
    });
  });

  it('has billing UNKNOWN for the codes whose charge is not documented', () => {
    const unknown = Object.entries(webCodes)
      .filter(([, { billing }]) => billing === 'UNKNOWN')
      .map(([code]) => Number(code));
    expect(unknown).toEqual([2001, 2004, 2009, 2010, 2011, 2013, 2014, 2015, 2016]);
  });

  it('expires when the provider says so, and is not told with an unknown token', async () => {
    expect(await outcomeOf(new ProviderFault('session_expired'))).toMatchObject({
      result: { status: 'EXPIRED' },
    });
    expect(await outcomeOf(new ProviderFault('session_unknown'))).toMatchObject({
      kind: 'not_told',
    });
  });

  it('returns no video, picture or further document data', async () => {
    const outcome = await outcomeOf({
      ErrorCode: 0,
      VideoBase64: 'CANARY',
      BestFrameBase64: 'CANARY',
      OCRResult: [
        {
          IsPass: true,
          CardImageBase64: 'CANARY',
          CardInfo: { HKIDCard: { IdNum: 'A1', TelexCode: 'CANARY', Symbol: 'CANARY' } },
        },
      ],
    });
    expect(JSON.stringify(outcome)).not.toContain('CANARY');
  });
});
