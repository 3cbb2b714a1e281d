import { describe, expect, it } from 'vitest';
import { tencentCn } from '../../providers/tencent-cn/index.ts';
import { ProviderFault, type StartInput } from '../../src/contract/index.ts';
import {
  askOutcome,
  channelOf,
  fakeCall,
  someSettings,
  startInput,
} from '../support/call-plugin.ts';

const faceSdk = channelOf(tencentCn, 'FACE_SDK');
const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
const image = Buffer.from('not a real picture').toString('base64');
const urls = {
  returnUrl: 'https://x.example/r',
  notifyUrl: 'https://x.example/n',
  reference: 'ver_reference',
};

function prepare(given: Partial<StartInput>, settings: Record<string, string> = someSettings) {
  const { settings: parsed } = fakeCall(tencentCn, {}, settings);
  return faceSdk.prepare(startInput(given), { settings: parsed, nowMs: 0, doubt: () => {} });
}

function problemsOf(given: Partial<StartInput>) {
  const prepared = prepare(given);
  return 'problems' in prepared ? prepared.problems.map(({ path }) => path) : [];
}

async function start(given: Partial<StartInput>, settings: Record<string, string> = someSettings) {
  const prepared = prepare(given, settings);
  if ('problems' in prepared) throw new Error(JSON.stringify(prepared.problems));
  const answer = { FaceIdToken: 'T', ClientConfig: '{"a":1}' };
  const { call, sent } = fakeCall(tencentCn, { GetFaceIdToken: answer }, settings);
  return { started: await prepared.start(call, urls), checks: prepared.checks, sent };
}

function outcomeOf(result: object | Error) {
  const { call } = fakeCall(tencentCn, { GetFaceIdResult: result });
  return askOutcome(faceSdk, call, { token: 'T' });
}

describe('app SDK: requests', () => {
  it('sends the documented example', async () => {
    const { sent, started, checks } = await start({ subject });
    expect(sent[0]?.body).toEqual({
      CompareLib: 'BUSINESS',
      Name: '韦小宝',
      IdCard: '11204416541220243X',
    });
    expect(sent[0]?.headers['x-tc-region']).toBe('ap-guangzhou');
    expect(checks).toEqual(['LIVENESS', 'FACE_MATCH', 'IDENTITY_RECORD']);
    expect(started).toEqual({
      launch: { kind: 'sdk_token', token: 'T', clientConfig: '{"a":1}' },
      session: { token: 'T', useCos: false },
      expiresInSeconds: 600,
    });
  });

  it('sends every documented field, and attests no IDENTITY_RECORD with a caller’s image', async () => {
    const { sent, checks } = await start({
      referenceImage: image,
      extra: 'reference',
      options: { compareLib: 'LOCAL', meta: 'm', metaData: '{"m":1}', useCos: true, ruleId: '12' },
    });
    expect(sent[0]?.body).toEqual({
      CompareLib: 'LOCAL',
      ImageBase64: image,
      Meta: 'm',
      MetaData: '{"m":1}',
      Extra: 'reference',
      UseCos: true,
      RuleId: '12',
    });
    expect(checks).toEqual(['LIVENESS', 'FACE_MATCH']);
  });

  it('takes the rule from the settings when the options have none', async () => {
    const settings = { ...someSettings, RULE_ID: '7', REGION: 'ap-shanghai' };
    const { sent } = await start({ subject }, settings);
    expect(sent[0]?.body.RuleId).toBe('7');
    expect(sent[0]?.headers['x-tc-region']).toBe('ap-shanghai');
  });
});

describe('app SDK: input checks', () => {
  it.each<[string, Partial<StartInput>, string[]]>([
    ['nothing to compare with', {}, ['subject.name', 'subject.idNumber']],
    ['LOCAL without an image', { options: { compareLib: 'LOCAL' } }, ['referenceImage']],
    ['a data URL', { referenceImage: `data:image/png;base64,${image}` }, ['referenceImage']],
    ['base64 without padding', { referenceImage: 'AAAAA' }, ['referenceImage']],
    ['more than 8 MB', { referenceImage: 'A'.repeat(8 * 1024 * 1024 + 4) }, ['referenceImage']],
    [
      'an image that is not used',
      { subject, referenceImage: image, options: { compareLib: 'BUSINESS' } },
      ['referenceImage'],
    ],
    ['a long extra', { subject, extra: 'x'.repeat(1001) }, ['extra']],
    [
      'an ID number with other signs',
      { subject: { ...subject, idNumber: 'A1(2)' } },
      ['subject.idNumber'],
    ],
    ['a page to return to', { subject, hasRedirectUrl: true }, ['redirectUrl']],
  ])('rejects %s', (_name, given, paths) => {
    expect(problemsOf(given)).toEqual(paths);
  });

  it('leaves the length of names and numbers to the provider, whose page states none', () => {
    expect(problemsOf({ subject: { name: '阿'.repeat(80), idNumber: 'K1234567' } })).toEqual([]);
  });

  it('accepts exactly 8 MB', () => {
    expect(problemsOf({ referenceImage: 'A'.repeat(8 * 1024 * 1024) })).toEqual([]);
  });
});

describe('app SDK: outcomes', () => {
  it.each([{}, { Result: null }, { Result: '' }, { Result: '17' }])(
    'is pending on %j',
    async (result) => {
      expect(await outcomeOf(result)).toMatchObject({ kind: 'pending' });
    },
  );

  it('passes on "0" only', async () => {
    expect(await outcomeOf({ Result: '0', Similarity: 97.31 })).toMatchObject({
      result: { status: 'PASSED', similarity: 97.31, billing: 'CHARGED', chargedAttempts: 1 },
    });
    expect(await outcomeOf({ Result: '00' })).toMatchObject({
      result: { status: 'UNDETERMINED', billing: 'UNKNOWN' },
    });
  });

  it('is throttled on code 18', async () => {
    await expect(outcomeOf({ Result: '18' })).rejects.toMatchObject({ kind: 'throttled' });
  });

  it('expires when the provider says so', async () => {
    expect(await outcomeOf(new ProviderFault('session_expired'))).toMatchObject({
      result: { status: 'EXPIRED' },
    });
  });

  it('requests no video and no picture, and returns none', async () => {
    const { call, sent } = fakeCall(tencentCn, {
      GetFaceIdResult: {
        Result: '0',
        VideoBase64: 'CANARY',
        BestFrameBase64: '/9j/CANARY',
        IdCardFrontBase64: 'CANARY',
        Description: 'CANARY',
      },
    });
    const outcome = await askOutcome(faceSdk, call, { token: 'T' });
    expect(sent[0]?.body).toEqual({ FaceIdToken: 'T', IsNeedVideo: false, IsNeedBestFrame: false });
    expect(JSON.stringify(outcome)).not.toContain('CANARY');
  });
});
