import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Scenario } from '../../sandbox/scenario.ts';
import { checkMutation, startMutation, verificationQuery } from '../support/operations.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

// The expected outcomes are written here from the vendor's pages, not taken from the plugin.
// Bank card: page BankCard4EVerification ("收费结果码", "不收费结果码"); -21 from the official SDK.
const bankCardPage: Readonly<
  Record<string, readonly [outcome: string, reason: string, billing: string]>
> = {
  '0': ['MATCHED', 'ALL_MATCHED', 'CHARGED'],
  '-1': ['MISMATCHED', 'NOT_MATCHED', 'CHARGED'],
  '-2': ['INPUT_REFUSED', 'NAME_REFUSED', 'NOT_CHARGED'],
  '-3': ['INPUT_REFUSED', 'ID_NUMBER_REFUSED', 'NOT_CHARGED'],
  '-4': ['INPUT_REFUSED', 'CARD_NUMBER_REFUSED', 'NOT_CHARGED'],
  '-5': ['INPUT_REFUSED', 'PHONE_REFUSED', 'NOT_CHARGED'],
  '-6': ['MISMATCHED', 'HOLDER_MISMATCH', 'CHARGED'],
  '-7': ['CARD_UNUSABLE', 'CARD_NOT_PRESENT_DISABLED', 'CHARGED'],
  '-8': ['CARD_UNUSABLE', 'CONFISCATED_CARD', 'CHARGED'],
  '-9': ['CARD_UNUSABLE', 'INVALID_CARD_NUMBER', 'CHARGED'],
  '-10': ['CARD_UNUSABLE', 'NO_ISSUER', 'CHARGED'],
  '-11': ['CARD_UNUSABLE', 'DORMANT_CARD', 'CHARGED'],
  '-12': ['CARD_UNUSABLE', 'FRAUD_CARD', 'CHARGED'],
  '-13': ['CARD_UNUSABLE', 'LOST_CARD', 'CHARGED'],
  '-14': ['CARD_UNUSABLE', 'EXPIRED_CARD', 'CHARGED'],
  '-15': ['CARD_UNUSABLE', 'RESTRICTED_CARD', 'CHARGED'],
  '-16': ['CARD_UNUSABLE', 'PIN_TRIES_EXCEEDED', 'CHARGED'],
  '-17': ['CARD_UNUSABLE', 'ISSUER_UNSUPPORTED', 'CHARGED'],
  '-19': ['NOT_PERFORMED', 'DAILY_LIMIT', 'NOT_CHARGED'],
  '-20': ['INPUT_REFUSED', 'DOCUMENT_UNSUPPORTED', 'NOT_CHARGED'],
  '-21': ['CARD_UNUSABLE', 'CARD_STATE_ABNORMAL', 'CHARGED'],
};

/** Error codes by what they prove. Sources: the pages' tables and the common error codes. */
const refusals: Readonly<Record<string, readonly [problem: string, retry: string]>> = {
  'FailedOperation.DecryptSystemError': ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  'FailedOperation.StsUnAuthErrError': ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  'FailedOperation.UnregisteredEid': ['PROVIDER_REJECTED', 'NEW_KEY'],
  'FailedOperation.ImageSizeTooLarge': ['PROVIDER_REJECTED', 'NEW_KEY'],
  InvalidParameter: ['PROVIDER_REJECTED', 'NEW_KEY'],
  InvalidParameterValue: ['PROVIDER_REJECTED', 'NEW_KEY'],
  'InvalidParameter.UnsupportEncryptField': ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  'InvalidParameterValue.RuleIdDisabled': ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  'InvalidParameterValue.RuleIdNotExist': ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  'UnauthorizedOperation.Arrears': ['PROVIDER_QUOTA_EXHAUSTED', 'SAME_KEY'],
  'UnauthorizedOperation.ChargeStatusException': ['PROVIDER_QUOTA_EXHAUSTED', 'SAME_KEY'],
  'UnauthorizedOperation.NonAuthorize': ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  'UnauthorizedOperation.Activating': ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  'UnauthorizedOperation.ActivateError': ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  'UnauthorizedOperation.Nonactivated': ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  'AuthFailure.SignatureExpire': ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  'AuthFailure.SignatureFailure': ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  'AuthFailure.SecretIdNotFound': ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  'AuthFailure.TokenFailure': ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  'AuthFailure.UnauthorizedOperation': ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  RequestLimitExceeded: ['RATE_LIMITED', 'SAME_KEY'],
  'RequestLimitExceeded.IPLimitExceeded': ['RATE_LIMITED', 'SAME_KEY'],
  'RequestLimitExceeded.UinLimitExceeded': ['RATE_LIMITED', 'SAME_KEY'],
  MissingParameter: ['PROVIDER_REJECTED', 'NEW_KEY'],
  UnknownParameter: ['PROVIDER_REJECTED', 'NEW_KEY'],
  UnsupportedRegion: ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
  LimitExceeded: ['PROVIDER_QUOTA_EXHAUSTED', 'SAME_KEY'],
};

const eidStatuses: readonly [status: string, codes: readonly number[]][] = [
  ['PASSED', [0]],
  ['EXPIRED', [15]],
  ['PENDING', [17]],
  ['UNDETERMINED', [1, 2, 3, 4, 8, 10, 12, 13, 14, 201, 202, 203, 204, 1001, 1006, 1008, 2001]],
];

const faceIdStatuses: readonly [status: string, codes: readonly number[]][] = [
  ['PASSED', [0]],
  ['EXPIRED', [15, 19]],
  ['PENDING', [17, 18]],
  ['UNDETERMINED', [2, 3, 4, 7, 8, 14, 2001, 2017]],
];

const webStatuses: readonly [status: string, codes: readonly number[]][] = [
  ['PASSED', [0]],
  ['EXPIRED', [15, 1409]],
  ['CANCELLED', [1410]],
  ['PENDING', [17]],
  ['UNDETERMINED', [1, 2, 3, 4, 8, 9, 10, 11, 14, 202, 1001, 2001]],
];

const intentionPending = [-12];
const intentionCancelled = [-802, -803];
const intentionFailed = [
  ...[-15, -17, 3001, 3002, 3003, 3011, 3012],
  ...[-101, -102, -103, -104, -105, -106, -107, -201, -202, -301, -302],
];

let app: TestApp;
let scenarios: Scenario[];

beforeAll(async () => {
  app = await startTestApp();
  scenarios = (await (await fetch(`${app.url}/sandbox/scenarios`)).json()) as Scenario[];
});
afterAll(() => app.stop());

function isStart({ action }: Scenario): boolean {
  return ['GetEidToken', 'GetFaceIdToken', 'ApplyWebVerificationBizTokenIntl'].includes(action);
}

function isResultCode({ expect: code }: Scenario): boolean {
  return /^-?\d+$/u.test(code);
}

let keys = 0;
function withKey(input: object): object {
  keys += 1;
  return { input: { idempotencyKey: `catalogue-${keys}`, ...input } };
}

describe('the catalogue', () => {
  it('covers every code of the three pages of tencent-cn', () => {
    const codesOf = (action: string) =>
      new Set(scenarios.filter((one) => one.action === action).map((one) => one.expect));
    for (const code of Object.keys(bankCardPage)) {
      expect(codesOf('BankCard4EVerification')).toContain(code);
    }
    expect(codesOf('BankCard4EVerification')).toContain('-18');
    expect(scenarios.length).toBeGreaterThan(250);
  });

  it('brings every bank card result code as its page says', async () => {
    for (const scenario of scenarios.filter(
      (one) => one.action === 'BankCard4EVerification' && isResultCode(one),
    )) {
      const { data } = await app.send(checkMutation, withKey(scenario.input));
      const answer = data.checkBankCard;
      if (scenario.expect === '-18') {
        expect(answer).toMatchObject({
          code: 'PROVIDER_UNAVAILABLE',
          retry: 'SAME_KEY',
          billing: 'NOT_CHARGED',
          providerCode: '-18',
        });
        continue;
      }
      const [outcome, reason, billing] = bankCardPage[scenario.expect] ?? [];
      expect(answer.check, scenario.expect).toMatchObject({
        code: scenario.expect,
        outcome,
        reason,
        billing,
        matched: outcome === 'MATCHED',
        sandbox: true,
      });
    }
  });

  it('refuses a start or a check as each error code deserves, for a check never charging unsure', async () => {
    for (const scenario of scenarios.filter(
      (one) => (isStart(one) || one.action === 'BankCard4EVerification') && refusals[one.expect],
    )) {
      const isCheck = scenario.action === 'BankCard4EVerification';
      const { data } = await app.send(
        isCheck ? checkMutation : startMutation,
        withKey(scenario.input),
      );
      const [code, retry] = refusals[scenario.expect] ?? [];
      expect(data.checkBankCard ?? data.startVerification, scenario.expect).toMatchObject({
        code,
        retry,
        billing: 'NOT_CHARGED',
      });
    }
  });

  it('takes faults of the wire and internal errors for what they are', async () => {
    const faults = scenarios.filter(
      (one) =>
        (isStart(one) || one.action === 'BankCard4EVerification') &&
        !refusals[one.expect] &&
        !isResultCode(one),
    );
    expect(new Set(faults.map((one) => one.expect))).toEqual(
      new Set([
        ...['FailedOperation.UnKnown', 'InternalError'],
        ...['wire-timeout', 'wire-reset', 'wire-html', 'wire-truncated'],
        ...['wire-redirect', 'wire-empty', 'wire-500', 'wire-503'],
      ]),
    );
    // Each action's in a row, all in one process: what is ordered is met, whatever came before.
    const actions = [...new Set(faults.map((one) => one.action))];
    await Promise.all(
      actions.map(async (action) => {
        for (const scenario of faults.filter((one) => one.action === action)) {
          const isCheck = scenario.action === 'BankCard4EVerification';
          const variables = withKey(scenario.input);
          const { data } = await app.send(isCheck ? checkMutation : startMutation, variables);
          expect(data.checkBankCard ?? data.startVerification, scenario.expect).toMatchObject(
            isCheck
              ? { code: 'OUTCOME_UNKNOWN', retry: 'NEW_KEY', billing: 'UNKNOWN' }
              : { code: 'PROVIDER_UNAVAILABLE', retry: 'SAME_KEY', billing: 'NOT_CHARGED' },
          );
        }
      }),
    );
    const { data } = await app.send(checkMutation, withKey(bankCardOf('韦小宝')));
    expect(data.checkBankCard.check.outcome).toBe('MATCHED');
  });

  it('brings every outcome of E证通 and the app SDK as its table says', async () => {
    const outcomes = scenarios.filter((one) =>
      [
        'GetEidResult',
        'CheckEidTokenStatus',
        'GetFaceIdResult',
        'GetWebVerificationResultIntl',
      ].includes(one.action),
    );
    await Promise.all(
      outcomes.map(async (scenario) => {
        // All at once: what the limit sends back is repeated with the same key, as it says.
        const variables = withKey(scenario.input);
        const { verification } = await until(async () => {
          const { data } = await app.send(startMutation, variables);
          const answer = data.startVerification;
          return ['RATE_LIMITED', 'OVERLOADED'].includes(answer.code) ? null : answer;
        }, 40_000);
        expect(verification, `${scenario.action} ${scenario.expect}`).toMatchObject({
          status: 'PENDING',
        });
        const expected = statusOf(scenario);
        const last = await until(async () => {
          const answer = await app.send(verificationQuery, { id: verification.id });
          const now = answer.data.verification;
          // A throttled question leaves no time of an answer.
          const isAsked = now.lastCheckedAt !== null || scenario.expect === '18';
          return isAsked && (expected === 'PENDING' || now.status !== 'PENDING') ? now : null;
        }, 40_000);
        expect(last.status, `${scenario.action} ${scenario.expect}`).toBe(expected);
        if (isResultCode(scenario) && expected !== 'PENDING') {
          expect(last.outcome.code).toBe(scenario.expect);
        }
        if (expected !== 'PASSED') expect(last.outcome?.reason).not.toBe('VERIFIED');
      }),
    );
  });
});

function statusOf({ action, expect: code, input }: Scenario): string {
  const order = String(input['extra']);
  if (code.startsWith('unfinished') || code === 'init' || code === 'doing') return 'PENDING';
  if (code === 'timeout') return 'EXPIRED';
  // E证通 said "finished" before: that its result is gone says nothing about the person.
  if (code.endsWith('BizTokenExpired')) return action === 'GetEidResult' ? 'PENDING' : 'EXPIRED';
  if (code.endsWith('BizTokenIllegal')) return 'PENDING';
  if (order.startsWith('sandbox:Intention=') && code !== '0') {
    if (intentionPending.includes(Number(code)) && !('intentionMode' in optionsOf(input))) {
      return 'PENDING';
    }
    if (intentionCancelled.includes(Number(code))) return 'CANCELLED';
    return intentionFailed.includes(Number(code)) ? 'FAILED' : 'UNDETERMINED';
  }
  // Code 0, but the document did not pass.
  if (order.endsWith('ocr-failed')) return 'UNDETERMINED';
  const table =
    { GetFaceIdResult: faceIdStatuses, GetWebVerificationResultIntl: webStatuses }[action] ??
    eidStatuses;
  return table.find(([, codes]) => codes.includes(Number(code)))?.[0] ?? 'FAILED';
}

function optionsOf(input: Readonly<Record<string, unknown>>): object {
  const options = input['options'] as { readonly tencentCnEId: object } | undefined;
  return options?.tencentCnEId ?? {};
}

function bankCardOf(name: string): object {
  const subject = { name, idNumber: '11204416541220243X' };
  return { subject, cardNumber: '6225768888888888', phone: '16137688175' };
}
