import { z } from 'zod';
import {
  checkBase64Image,
  checkText,
  createProblemList,
  isFault,
  type ChannelDefinition,
  type FieldProblem,
  type StartInput,
} from '../../src/contract/plugin-api.ts';
import { keysOf } from '../shared/tables.ts';
import { afterRetries } from '../tencent/after-retries.ts';
import { expired, tokenIsOfNoUse } from '../tencent/token-end.ts';
import {
  applyWebVerificationBizToken,
  getWebVerificationResult,
  type WebVerificationConfig,
} from './api.ts';
import {
  actions,
  checkModes,
  idCardTypes,
  languages,
  securityLevels,
  warningCodes,
} from './mapping.ts';
import type { TencentIntlSettings } from './settings.ts';
import { toWebOutcome } from './web-outcome.ts';

const optionsSchema = z.strictObject({
  ruleId: z.string().nullish(),
  autoSkipStartPage: z.boolean().nullish(),
  autoSkip: z.boolean().nullish(),
  checkMode: z.literal(keysOf(checkModes)).nullish(),
  idCardType: z.literal(keysOf(idCardTypes)).nullish(),
  disableCheckOcrWarnings: z.boolean().nullish(),
  securityLevel: z.literal(keysOf(securityLevels)).nullish(),
  skipPrivacyPolicy: z.boolean().nullish(),
  idCardCutReturn: z.boolean().nullish(),
  themeColor: z.string().nullish(),
  language: z.literal(keysOf(languages)).nullish(),
  autoDowngrade: z.boolean().nullish(),
  actionList: z.array(z.literal(keysOf(actions))).nullish(),
  livenessRetryLimit: z.number().nullish(),
  livenessTimeout: z.number().nullish(),
  selectedWarningCodes: z.array(z.number()).nullish(),
  allowExpiredDocument: z.boolean().nullish(),
});

type Options = z.output<typeof optionsSchema>;

const sessionSchema = z.object({ token: z.string() });

const maxImageLength = 8 * 1024 * 1024;

/** The web page: ApplyWebVerificationBizTokenIntl, then GetWebVerificationResultIntl. */
export const web: ChannelDefinition<TencentIntlSettings> = {
  action: 'ApplyWebVerificationBizTokenIntl',
  checks: checkModes.LIVENESS_COMPARE.checks,
  requires: ['referenceImage'],
  requiresWith: [
    ...keysOf(checkModes)
      .filter((mode) => mode !== 'LIVENESS_COMPARE')
      .map((value) => ({ option: 'checkMode', value, requires: [] })),
    { option: 'ruleId', requires: [] },
  ],
  outcome: 'QUERY',
  optionsField: 'tencentIntlWeb',
  pollEveryMs: 1000,
  graceSeconds: 60,
  retentionSeconds: 3 * 24 * 3600,
  // The page can be opened any number of times until it is finished. Two minutes are enough to begin.
  reuse: { marginSeconds: 120 },

  prepare: (input) => {
    const options = optionsSchema.parse(input.options ?? {});
    const problems = [...inputProblems(input, options), ...optionProblems(options)];
    if (problems.length > 0) return { problems };
    return {
      checks: checkModes[options.checkMode ?? 'LIVENESS_COMPARE'].checks,
      start: async (call, { returnUrl }) => {
        const answer = await applyWebVerificationBizToken(call, {
          RedirectURL: returnUrl,
          CompareImageBase64: input.referenceImage ?? undefined,
          Extra: input.extra ?? undefined,
          RuleId: options.ruleId ?? undefined,
          Config: input.options === null ? undefined : toConfig(options),
        });
        return {
          launch: { kind: 'redirect', url: answer.url, token: answer.bizToken },
          session: { token: answer.bizToken },
          expiresInSeconds: call.settings.bizTokenTtlSeconds,
        };
      },
    };
  },

  fetchOutcome: async (call, session, progress) => {
    const { token } = sessionSchema.parse(session);
    try {
      return afterRetries(toWebOutcome(await getWebVerificationResult(call, token)), progress);
    } catch (error) {
      if (isFault(error, 'session_expired')) {
        return expired('InvalidParameterValue.BizTokenExpired', 'BizToken expired');
      }
      if (tokenIsOfNoUse(error)) return { kind: 'not_told' };
      throw error;
    }
  },
};

function inputProblems(input: StartInput, options: Options): readonly FieldProblem[] {
  const problems = createProblemList();
  const unused = 'is not used by tencent-intl';
  if (input.subject.name !== null) problems.add('subject.name', unused);
  if (input.subject.idNumber !== null) problems.add('subject.idNumber', unused);

  const mode = options.checkMode ?? 'LIVENESS_COMPARE';
  if (input.referenceImage !== null) {
    problems.add(
      'referenceImage',
      mode === 'LIVENESS_COMPARE'
        ? checkBase64Image(input.referenceImage, maxImageLength)
        : 'is used by checkMode LIVENESS_COMPARE only',
    );
  } else if (mode === 'LIVENESS_COMPARE' && !options.ruleId) {
    // Optional on the page, but without it there is nothing to compare with. A rule may bring its own
    // image.
    problems.add('referenceImage', 'is needed by checkMode LIVENESS_COMPARE');
  }
  if (input.extra !== null) problems.add('extra', checkText(input.extra, 1000));
  return problems.all;
}

function optionProblems(options: Options): readonly FieldProblem[] {
  const problems = createProblemList();
  const add = (field: keyof Options, message: string | null): void =>
    problems.add(`options.tencentIntlWeb.${field}`, message);

  if (options.actionList) {
    const { length } = options.actionList;
    if (length < 1 || length > 2) add('actionList', 'must have one or two actions');
    if (!securityLevels[options.securityLevel ?? 'LIGHT'].hasActions) {
      add('actionList', 'needs a securityLevel with actions');
    }
  }
  add('livenessRetryLimit', checkRange(options.livenessRetryLimit, 1, 99));
  add('livenessTimeout', checkRange(options.livenessTimeout, 1, 600));
  if (options.selectedWarningCodes) {
    if (!options.selectedWarningCodes.every((code) => warningCodes.includes(code))) {
      add('selectedWarningCodes', `must be from ${warningCodes.join(', ')}`);
    }
    if (options.disableCheckOcrWarnings) {
      add('selectedWarningCodes', 'needs disableCheckOcrWarnings: false');
    }
  }
  const allowsExpired = typeof options.allowExpiredDocument === 'boolean';
  if (allowsExpired && options.idCardType !== 'HK_ID_CARD') {
    add('allowExpiredDocument', 'belongs to idCardType HK_ID_CARD');
  }
  if (options.themeColor && !/^#[0-9a-f]{6}$/iu.test(options.themeColor)) {
    add('themeColor', 'must be a colour such as #2d72f1');
  }
  return problems.all;
}

function checkRange(value: number | null | undefined, min: number, max: number): string | null {
  if (value === null || value === undefined) return null;
  return value < min || value > max ? `must be ${min} to ${max}` : null;
}

function toConfig(options: Options): WebVerificationConfig {
  return {
    AutoSkipStartPage: options.autoSkipStartPage ?? undefined,
    AutoSkip: options.autoSkip ?? undefined,
    CheckMode: options.checkMode ? checkModes[options.checkMode].number : undefined,
    IDCardType: options.idCardType ? idCardTypes[options.idCardType] : undefined,
    DisableCheckOcrWarnings: options.disableCheckOcrWarnings ?? undefined,
    SecurityLevel: options.securityLevel ? securityLevels[options.securityLevel].number : undefined,
    SkipPrivacyPolicy: options.skipPrivacyPolicy ?? undefined,
    IdCardCutReturn: options.idCardCutReturn ?? undefined,
    ThemeColor: options.themeColor ?? undefined,
    Language: options.language ? languages[options.language] : undefined,
    // 1 falls back, 2 does not.
    AutoDowngrade:
      typeof options.autoDowngrade === 'boolean' ? (options.autoDowngrade ? 1 : 2) : undefined,
    ActionList: options.actionList?.map((action) => actions[action]).join(','),
    LivenessRetryLimit: options.livenessRetryLimit ?? undefined,
    LivenessTimeout: options.livenessTimeout ?? undefined,
    SelectedWarningCodes: options.selectedWarningCodes?.join(','),
    AllowExpiredDocument: options.allowExpiredDocument ?? undefined,
  };
}
