import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Scenario } from '../../sandbox/scenario.ts';
import { checkMutation, startMutation, verificationQuery } from '../support/operations.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';
import { commonErrors, pageErrors, resultTables, wireFaults } from './page-tables.ts';

// The expected outcomes are written here from the vendor's pages, not taken from the plugin.
// Bank card: pages 35776 and BankCard4EVerification, tencentcloud-sdk-nodejs 4.1.313. The number of each meaning with two,
// three and four elements: the same number means something else, and costs something else, in each of them.
type CardRow = readonly [
  outcome: string,
  reason: string,
  billing: string,
  two: number | null,
  three: number | null,
  four: number | null,
];
const cardRows: readonly CardRow[] = [
  ['MATCHED', 'ALL_MATCHED', 'CHARGED', 0, 0, 0],
  ['MISMATCHED', 'NOT_MATCHED', 'CHARGED', -1, -1, -1],
  ['MISMATCHED', 'HOLDER_MISMATCH', 'CHARGED', -4, -5, -6],
  ['CARD_UNUSABLE', 'CARD_NOT_PRESENT_DISABLED', 'CHARGED', -5, -6, -7],
  ['CARD_UNUSABLE', 'CONFISCATED_CARD', 'CHARGED', -6, -7, -8],
  ['CARD_UNUSABLE', 'INVALID_CARD_NUMBER', 'CHARGED', -7, -8, -9],
  ['CARD_UNUSABLE', 'NO_ISSUER', 'CHARGED', -8, -9, -10],
  ['CARD_UNUSABLE', 'DORMANT_CARD', 'CHARGED', -9, -10, -11],
  ['CARD_UNUSABLE', 'FRAUD_CARD', 'CHARGED', -10, -11, -12],
  ['CARD_UNUSABLE', 'LOST_CARD', 'CHARGED', -11, -12, -13],
  ['CARD_UNUSABLE', 'EXPIRED_CARD', 'CHARGED', -12, -13, -14],
  ['CARD_UNUSABLE', 'RESTRICTED_CARD', 'CHARGED', -13, -14, -15],
  ['CARD_UNUSABLE', 'PIN_TRIES_EXCEEDED', 'CHARGED', -14, -15, -16],
  ['CARD_UNUSABLE', 'ISSUER_UNSUPPORTED', 'CHARGED', -15, -16, -17],
  ['CARD_UNUSABLE', 'CARD_STATE_ABNORMAL', 'CHARGED', -18, -20, -21],
  ['INPUT_REFUSED', 'NAME_REFUSED', 'NOT_CHARGED', -2, -2, -2],
  ['INPUT_REFUSED', 'ID_NUMBER_REFUSED', 'NOT_CHARGED', null, -3, -3],
  ['INPUT_REFUSED', 'CARD_NUMBER_REFUSED', 'NOT_CHARGED', -3, -4, -4],
  ['INPUT_REFUSED', 'PHONE_REFUSED', 'NOT_CHARGED', null, null, -5],
  ['NOT_PERFORMED', 'DAILY_LIMIT', 'NOT_CHARGED', -17, -18, -19],
  ['INPUT_REFUSED', 'DOCUMENT_UNSUPPORTED', 'NOT_CHARGED', null, -19, -20],
  // Not documented, so it must have no meaning.
  ['UNDETERMINED', 'OTHER', 'UNKNOWN', -99, -99, -99],
];
const cardActions = [
  'BankCard2EVerification',
  'BankCardVerification',
  'BankCard4EVerification',
] as const;
type CardAction = (typeof cardActions)[number];
const busyCodes = {
  BankCard2EVerification: '-16',
  BankCardVerification: '-17',
  BankCard4EVerification: '-18',
} as const;

/** The rows of one action, by code. */
function pageOf(action: CardAction): ReadonlyMap<string, CardRow> {
  const column = 3 + cardActions.indexOf(action);
  return new Map(
    cardRows.filter((row) => row[column] !== null).map((row) => [String(row[column]), row]),
  );
}

function isCardAction(action: string): action is CardAction {
  return (cardActions as readonly string[]).includes(action);
}

/**
 * Error codes by what they prove. Sources: the pages' tables, the common error codes (1007/31063),
 * and for OEMCloud the error codes of Alibaba Cloud API Gateway.
 */
const refusals: Readonly<Record<string, readonly [problem: string, retry: string]>> = {
  ...allOf(
    ['PROVIDER_MISCONFIGURED', 'SAME_KEY'],
    ['AuthFailure.InvalidAuthorization', 'AuthFailure.InvalidSecretId', 'AuthFailure.MFAFailure'],
    ['AuthFailure.SecretIdNotFound', 'AuthFailure.SignatureExpire', 'AuthFailure.SignatureFailure'],
    ['AuthFailure.TokenFailure', 'AuthFailure.UnauthorizedOperation'],
    ['UnauthorizedOperation', 'UnauthorizedOperation.NonAuthorize', 'OperationDenied'],
    ['UnauthorizedOperation.Activating', 'UnauthorizedOperation.ActivateError'],
    ['UnauthorizedOperation.Nonactivated', 'IpInBlacklist', 'IpNotInWhitelist'],
    ['ActionOffline', 'InvalidAction', 'NoSuchVersion', 'NoSuchProduct', 'DryRunOperation'],
    ['UnsupportedOperation', 'UnsupportedProtocol', 'UnsupportedRegion'],
    ['FailedOperation.DecryptSystemError', 'FailedOperation.StsUnAuthErrError'],
    ['InvalidParameter.UnsupportEncryptField'],
    ['InvalidParameterValue.RuleIdDisabled', 'InvalidParameterValue.RuleIdNotExist'],
    ['A400AC', 'A400IK', 'A400MA', 'A401AC', 'A403AC', 'A403CO', 'A403EP', 'A403IN', 'A403IP'],
    ['A403IS', 'A403PR', 'A403VN', 'B403MI', 'B451DO', 'B451GO', 'I400SG', 'I403AA', 'I403PT'],
    ['I404DO', 'I404NF', 'I405UM', 'I410GG', 'NonceRefused'],
  ),
  ...allOf(
    ['PROVIDER_REJECTED', 'NEW_KEY'],
    ['InvalidParameter', 'InvalidParameterValue', 'InvalidRequest', 'MissingParameter'],
    ['UnknownParameter', 'RequestSizeLimitExceeded'],
    ['FailedOperation.UnregisteredEid', 'FailedOperation.ImageSizeTooLarge'],
    ['30500101', '30500116', '30503059', 'I400BD', 'I400CT', 'I400HD', 'I400MH', 'I400PA'],
    ['I400RU', 'I413RL', 'I413UL'],
  ),
  ...allOf(
    ['PROVIDER_QUOTA_EXHAUSTED', 'SAME_KEY'],
    ['UnauthorizedOperation.Arrears', 'UnauthorizedOperation.ChargeStatusException'],
    ['LimitExceeded', '30503107', 'B403MQ', 'B403ME', 'B403MO', 'B403OD'],
  ),
  ...allOf(
    ['RATE_LIMITED', 'SAME_KEY'],
    ['RequestLimitExceeded', 'RequestLimitExceeded.GlobalRegionUinLimitExceeded'],
    ['RequestLimitExceeded.IPLimitExceeded', 'RequestLimitExceeded.UinLimitExceeded'],
    ['FailedOperation.RequestLimitExceeded', 'T429GR', 'T429ID', 'T429IN', 'T429MR'],
    ['T429PA', 'T429PR', 'T429SR'],
  ),
};

/** Codes that do not show whether the call was executed. */
const doubtful: readonly string[] = [
  ...['FailedOperation', 'FailedOperation.DbError', 'FailedOperation.UnKnown'],
  ...['InternalError', 'InternalError.EncryptSystemError'],
  ...['ResourceInUse', 'ResourceInsufficient', 'ResourceNotFound', 'ResourceUnavailable'],
  ...['ResponseSizeLimitExceeded', 'ServiceUnavailable'],
  ...['30500000', '30599999', 'Z499ZZ', 'D502FC', 'D503BB', 'D503CB', 'D504CO', 'D504CS'],
  ...['D504IL', 'D504RE', 'D504TO', 'N502RE', 'X500ER', 'X503BZ', 'X504VE'],
  ...wireFaults,
];

function allOf<Meaning>(
  meaning: Meaning,
  ...codes: readonly (readonly string[])[]
): Record<string, Meaning> {
  return Object.fromEntries(codes.flat().map((code) => [code, meaning]));
}

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
  const all = (await (await fetch(`${app.url}/sandbox/scenarios`)).json()) as Scenario[];
  // Providers with public documentation. A plugin with its own emulation has its own tests.
  const pages = ['tencent-cn', 'tencent-intl', 'oemcloud'];
  scenarios = all.filter(({ provider }) => pages.includes(provider));
});
afterAll(() => app.stop());

const startActions: readonly string[] = [
  ...['GetEidToken', 'GetFaceIdToken', 'DetectAuth'],
  ...['ApplyWebVerificationBizTokenIntl', 'individual/face'],
];
const chargeableActions: readonly string[] = [...cardActions, 'individual/face'];

/** Whether a scenario refuses a start or a check. */
function isRefusal({ action, expect: code }: Scenario): boolean {
  const isResult = isCardAction(action) && isResultCode(code);
  return [...startActions, ...cardActions].includes(action) && !isResult && code !== '0';
}

function isResultCode(code: string): boolean {
  return /^-?\d{1,5}$/u.test(code);
}

async function run(scenario: Scenario) {
  const isCheck = isCardAction(scenario.action);
  const { data } = await app.send(isCheck ? checkMutation : startMutation, withKey(scenario.input));
  return data.checkBankCard ?? data.startVerification;
}

let keys = 0;
function withKey(input: object): object {
  keys += 1;
  return { input: { idempotencyKey: `catalogue-${keys}`, ...input } };
}

describe('the sandbox catalogue', () => {
  it('covers every documented code, by action', () => {
    const codesOf = (action: string) =>
      new Set(scenarios.filter((one) => one.action === action).map((one) => one.expect));
    for (const action of cardActions) {
      for (const code of [busyCodes[action], ...pageOf(action).keys()]) {
        expect(codesOf(action), action).toContain(code);
      }
    }
    for (const [action, codes] of Object.entries(pageErrors)) {
      const common = action === 'individual/face' ? [] : commonErrors;
      for (const code of [...codes, ...common, ...wireFaults]) {
        expect(codesOf(action), action).toContain(code);
      }
    }
    for (const [action, table] of Object.entries(resultTables)) {
      for (const code of [...Object.keys(table), ...wireFaults]) {
        expect(codesOf(action), action).toContain(code);
      }
    }
    // Each gateway code is listed here and in the catalogue.
    const gateway = [...Object.keys(refusals), ...doubtful].filter((code) =>
      /^[A-Z]\d{3}[A-Z]{2}$/u.test(code),
    );
    for (const code of gateway) expect(codesOf('individual/face')).toContain(code);
  });

  it('returns every bank card result code with its documented meaning', async () => {
    for (const scenario of scenarios.filter(
      (one) => isCardAction(one.action) && isResultCode(one.expect),
    )) {
      const action = scenario.action as CardAction;
      const { data } = await app.send(checkMutation, withKey(scenario.input));
      const answer = data.checkBankCard;
      if (scenario.expect === busyCodes[action]) {
        expect(answer).toMatchObject({
          code: 'PROVIDER_UNAVAILABLE',
          retry: 'SAME_KEY',
          billing: 'NOT_CHARGED',
          providerCode: busyCodes[action],
        });
        continue;
      }
      const [outcome, reason, billing] = pageOf(action).get(scenario.expect) ?? [];
      expect(answer.check, `${action} ${scenario.expect}`).toMatchObject({
        code: scenario.expect,
        outcome,
        reason,
        billing,
        matched: outcome === 'MATCHED',
        sandbox: true,
      });
    }
  });

  it('refuses a start or a check by each error code with the right problem and no charge', async () => {
    const refused = scenarios.filter((one) => isRefusal(one) && refusals[codeOf(one)]);
    await eachActionInARow(refused, async (scenario) => {
      const [code, retry] = refusals[codeOf(scenario)] ?? [];
      // RATE_LIMITED has no provider code, because it may be our own limit.
      const providerCode = code === 'RATE_LIMITED' ? {} : { providerCode: codeOf(scenario) };
      expect(await run(scenario), `${scenario.action} ${scenario.expect}`).toMatchObject({
        code,
        retry,
        billing: 'NOT_CHARGED',
        ...providerCode,
      });
    });
  });

  it('treats wire faults and internal errors as unknown or not charged, by the effect of the action', async () => {
    const faults = scenarios.filter((one) => isRefusal(one) && !refusals[codeOf(one)]);
    expect(new Set(faults.map((one) => one.expect))).toEqual(new Set(doubtful));
    // All in one process, so that faults do not affect later scenarios.
    await eachActionInARow(faults, async (scenario) => {
      const { action } = scenario;
      expect(await run(scenario), `${action} ${scenario.expect}`).toMatchObject(
        chargeableActions.includes(action)
          ? { code: 'OUTCOME_UNKNOWN', retry: 'NEW_KEY', billing: 'UNKNOWN' }
          : { code: 'PROVIDER_UNAVAILABLE', retry: 'SAME_KEY', billing: 'NOT_CHARGED' },
      );
    });
    const { data } = await app.send(checkMutation, withKey(bankCardOf('韦小宝')));
    expect(data.checkBankCard.check.outcome).toBe('MATCHED');
  });

  it('returns every outcome of the result tables', async () => {
    const outcomes = scenarios.filter(
      ({ action }) => ![...startActions, ...cardActions].includes(action),
    );
    expect(new Set(outcomes.map(({ action }) => action))).toEqual(
      new Set([
        ...['GetEidResult', 'CheckEidTokenStatus', 'GetFaceIdResult', 'GetDetectInfoEnhanced'],
        ...['GetWebVerificationResultIntl', 'pub/individual/face'],
      ]),
    );
    await walkOutcomes(app, outcomes);
  }, 300_000);

  it('accepts every documented shape of a start response', async () => {
    const shapes = scenarios.filter(
      (one) => one.action === 'individual/face' && one.expect === '0',
    );
    expect(shapes.length).toBeGreaterThan(5);
    await walkOutcomes(app, shapes);
  });

  it.each(['outline', 'detail', 'notification', 'none'])(
    'returns the OEMCloud outcomes learnt by %s',
    async (outcome) => {
      const other = await startTestApp({ env: { OEMCLOUD_OUTCOME: outcome } });
      try {
        const all = (await (await fetch(`${other.url}/sandbox/scenarios`)).json()) as Scenario[];
        const own = all.filter(
          (one) => one.provider === 'oemcloud' && one.action !== 'individual/face',
        );
        expect(own.length > 0).toBe(outcome !== 'none');
        await walkOutcomes(other, own);
        const { data } = await other.send(
          '{ verificationProviders { id channels { channel outcome } } }',
        );
        const provider = data.verificationProviders.find(
          ({ id }: { readonly id: string }) => id === 'oemcloud',
        );
        const learnt = { outline: 'QUERY', detail: 'QUERY', notification: 'NOTIFICATION' };
        const source = learnt[outcome as keyof typeof learnt] ?? 'NONE';
        expect(provider.channels).toEqual([
          { channel: 'FACE_WEB', outcome: source },
          { channel: 'FACE_ALIPAY', outcome: source },
          // This channel has neither a return URL nor a notification.
          {
            channel: 'FACE_WECHAT_MINI_PROGRAM',
            outcome: source === 'NOTIFICATION' ? 'NONE' : source,
          },
        ]);
      } finally {
        await other.stop();
      }
    },
  );
});

/** Runs actions in parallel, and the scenarios of one action in a row because of its rate limit. */
async function eachActionInARow(
  some: readonly Scenario[],
  work: (scenario: Scenario) => Promise<void>,
): Promise<void> {
  const actions = [...new Set(some.map((one) => one.action))];
  await Promise.all(
    actions.map(async (action) => {
      for (const scenario of some.filter((one) => one.action === action)) await work(scenario);
    }),
  );
}

/** Starts each scenario, and waits for the outcome of its table. */
async function walkOutcomes(target: TestApp, outcomes: readonly Scenario[]): Promise<void> {
  await Promise.all(
    outcomes.map(async (scenario) => {
      const name = `${scenario.action} ${scenario.expect} ${scenario.title}`;
      // All start at once. Like a client, a start that may be repeated is repeated with the same key.
      const variables = withKey(scenario.input);
      const codes = new Set<string>();
      const started = await until(
        async () => {
          const { data } = await target.send(startMutation, variables);
          const answer = data?.startVerification;
          // A busy service answers 503 before it parses the operation.
          if (!answer) return null;
          if (answer.retry === 'SAME_KEY') codes.add(answer.code);
          return answer.retry === 'SAME_KEY' ? null : answer;
        },
        240_000,
        300,
      ).catch((error: unknown) => {
        throw new Error(`${name}: ${[...codes].join(' ')}`, { cause: error });
      });
      const { verification } = started;
      expect(verification, name).toMatchObject({ status: 'PENDING' });
      const [status, reason, billing] = meaningOf(scenario);
      const last = await until(
        async () => {
          const answer = await target.send(verificationQuery, { id: verification.id });
          const now = answer.data?.verification;
          // A client retries when the service is busy.
          if (!now) return null;
          if (status !== 'PENDING') return now.status === 'PENDING' ? null : now;
          // The client must not poll in a loop while the provider fails.
          expect(now.nextPollAfterMs, name).toBeGreaterThan(0);
          return now.lastCheckedAt !== null || leavesNoTrace(scenario) ? now : null;
        },
        240_000,
        300,
      ).catch((error: unknown) => {
        throw new Error(name, { cause: error });
      });
      expect(last.status, name).toBe(status);
      if (reason) expect(last.outcome.reason, name).toBe(reason);
      if (billing) expect(last.outcome.billing, name).toBe(billing);
      if (status !== 'PASSED') expect(last.outcome?.reason, name).not.toBe('VERIFIED');
      if (!last.outcome) return;
      if (isResultCode(scenario.expect)) expect(last.outcome.code, name).toBe(scenario.expect);
      expect(last.outcome.evidence, name).toBe(
        scenario.action === 'notification' ? 'NOTIFIED' : 'QUERIED',
      );
      // OEMCloud does not document when it charges.
      if (scenario.provider === 'oemcloud') expect(last.outcome.chargedAttempts, name).toBeNull();
    }),
  );
}

/** Whether a scenario leaves lastCheckedAt null: its query fails, or there is none. */
function leavesNoTrace({ action, expect: code }: Scenario): boolean {
  const isAskedOf = !['notification', 'individual/face'].includes(action);
  const isWord = /^(?:INIT|ING|SCAN|FINISH|SOMETHING_NEW|init|doing|unheard-of|unfinished)/u;
  return !isAskedOf || !(isWord.test(code) || ['17', '-12'].includes(code));
}

/** The expected `providerCode`: our own code for a refused nonce. */
function codeOf({ expect: code }: Scenario): string {
  return code === 'I400NU' ? 'NonceRefused' : code;
}

/** OEMCloud: status words of e签宝's pages, and what its notification says. */
const oemcloudStatuses: readonly [status: string, codes: readonly string[]][] = [
  ['PASSED', ['SUCCESS', 'twice']],
  ['FAILED', ['FAIL']],
  ['EXPIRED', ['30500003']],
];

/** The status of a scenario, with reason and billing where the table has them. */
function meaningOf(
  scenario: Scenario,
): readonly [status: string, reason?: string, billing?: string] {
  const { action, expect: code, input } = scenario;
  const order = String(input['extra']);
  if (action === 'individual/face') return ['PENDING'];
  if (code === '9999') return ['UNDETERMINED', 'OTHER'];
  if (code === 'timeout') return ['EXPIRED', 'TIMED_OUT'];
  // E证通 reported "finished" before, so a missing result says nothing about the person.
  if (code.endsWith('BizTokenExpired')) return [action === 'GetEidResult' ? 'PENDING' : 'EXPIRED'];
  if (order.startsWith('sandbox:Intention=') && code !== '0') {
    if (intentionPending.includes(Number(code)) && !('intentionMode' in optionsOf(input))) {
      return ['PENDING'];
    }
    if (intentionCancelled.includes(Number(code))) return ['CANCELLED', 'USER_CANCELLED'];
    return [intentionFailed.includes(Number(code)) ? 'FAILED' : 'UNDETERMINED'];
  }
  // Code 0, but the document did not pass.
  if (order.endsWith('ocr-failed')) return ['UNDETERMINED'];
  const byWord = oemcloudStatuses.find(([, codes]) => codes.includes(code));
  if (byWord) return [byWord[0]];
  const table = resultTables[action === 'notification' ? 'pub/individual/face' : action];
  // An undocumented code leaves the verification pending.
  return table?.[code] ?? ['PENDING'];
}

function optionsOf(input: Readonly<Record<string, unknown>>): object {
  const options = input['options'] as { readonly tencentCnEId: object } | undefined;
  return options?.tencentCnEId ?? {};
}

function bankCardOf(name: string): object {
  const subject = { name, idNumber: '11204416541220243X' };
  return { subject, cardNumber: '6225768888888888', phone: '16137688175' };
}
