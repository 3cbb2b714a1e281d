import { z } from 'zod';
import {
  checkIdNumber,
  checkIdNumberChecksum,
  checkName,
  checkText,
  createProblemList,
  isFault,
  type ChannelDefinition,
  type CheckKind,
  type FieldProblem,
  type OutcomeAnswer,
  type PrepareContext,
  type ProviderCall,
  type StartInput,
  type ToldIdentity,
} from '../../src/contract/plugin-api.ts';
import {
  checkEidTokenStatus,
  getEidResult,
  getEidToken,
  type EidResult,
  type EidTokenConfig,
} from './api.ts';
import { toFlowOutcome } from './flow-outcome.ts';
import {
  actionsSchema,
  addActionProblems,
  addQuestionProblems,
  addTextProblems,
  questionsSchema,
  toActions,
  toQuestions,
} from './intention-input.ts';
import { keysOf } from '../shared/tables.ts';
import { expired, tokenIsOfNoUse } from '../tencent/token-end.ts';
import {
  eidCodes,
  inputTypes,
  intentionModes,
  speechSpeeds,
  type IntentionMode,
} from './mapping.ts';
import { openEidInfo, type EidKey } from './open-eid-info.ts';
import type { TencentCnSettings } from './settings.ts';

const optionsSchema = z.strictObject({
  inputType: z.literal(keysOf(inputTypes)).nullish(),
  useIntentionVerify: z.boolean().nullish(),
  intentionMode: z.literal(keysOf(intentionModes)).nullish(),
  intentionVerifyText: z.string().nullish(),
  intentionQuestions: questionsSchema,
  intentionActions: actionsSchema,
  intentionRecognition: z.boolean().nullish(),
  isSupportHMTResidentPermitOCR: z.boolean().nullish(),
  mouthOpenRecognition: z.boolean().nullish(),
  speed: z.literal(keysOf(speechSpeeds)).nullish(),
});

type Options = z.output<typeof optionsSchema>;

const sessionSchema = z.object({
  token: z.string(),
  intention: z.literal(keysOf(intentionModes)).nullable(),
});

/** What a mode needs besides `useIntentionVerify`. */
const fieldsOfMode: Readonly<Record<string, readonly string[]>> = {
  QUESTION_AND_ANSWER: ['intentionQuestions'],
  NOD: ['intentionActions'],
};

/** E证通: GetEidToken, then CheckEidTokenStatus and GetEidResult. */
export const eId: ChannelDefinition<TencentCnSettings> = {
  action: 'GetEidToken',
  checks: ['LIVENESS', 'FACE_MATCH', 'IDENTITY_RECORD'],
  requires: [],
  requiresWith: [
    { option: 'inputType', value: 'CALLER_PASSES', requires: ['subject.name', 'subject.idNumber'] },
    ...['READ_ALOUD', 'QUESTION_AND_ANSWER', 'NOD'].map((value) => ({
      ...{ option: 'intentionMode', value },
      requires: ['useIntentionVerify', ...(fieldsOfMode[value] ?? [])].map(
        (name) => `options.tencentCnEId.${name}`,
      ),
    })),
  ],
  outcome: 'QUERY',
  optionsField: 'tencentCnEId',
  // Recommended by the provider's guide (doc 1007/58171).
  pollEveryMs: 1000,
  graceSeconds: 60,
  retentionSeconds: 3 * 24 * 3600,

  prepare: (input, context) => {
    const options = optionsSchema.parse(input.options ?? {});
    const problems = [
      ...settingProblems(context.settings),
      ...subjectProblems(input, options, context),
      ...extraProblems(input),
      ...intentionProblems(options),
    ];
    if (problems.length > 0) return { problems };

    const intention = options.useIntentionVerify ? (options.intentionMode ?? 'READ_ALOUD') : null;
    return {
      checks: attested(options),
      start: async (call, { returnUrl }) => {
        const answer = await getEidToken(call, {
          MerchantId: call.settings.merchantId ?? '',
          Name: input.subject.name ?? undefined,
          IdCard: input.subject.idNumber ?? undefined,
          Extra: input.extra ?? undefined,
          Config: input.options === null ? undefined : toConfig(options),
          RedirectUrl: returnUrl,
        });
        return {
          launch: { kind: 'redirect', url: answer.Url, token: answer.EidToken },
          session: { token: answer.EidToken, intention },
          expiresInSeconds: 600,
        };
      },
    };
  },

  fetchOutcome: async (call, session) => {
    const { token, intention } = sessionSchema.parse(session);
    const flow = await readFlowState(call, token);
    if (flow === 'unknown_token') return { kind: 'not_told' };
    if (flow === 'waiting') return { kind: 'pending' };
    // The URL works once (doc 1007/58171).
    if (flow === 'running') return { kind: 'pending', launchUsed: true };

    // Also queried after a time-out: the person may have passed in the last second, and failed attempts may
    // have been charged. Results are available for three days.
    return readResult(call, token, intention, flow === 'timed_out');
  },
};

function settingProblems(settings: TencentCnSettings): readonly FieldProblem[] {
  return settings.merchantId === undefined
    ? [{ path: 'channel', message: 'E_ID needs the setting TENCENT_CN_MERCHANT_ID' }]
    : [];
}

function subjectProblems(
  input: StartInput,
  options: Options,
  { doubt, nowMs }: PrepareContext<TencentCnSettings>,
): readonly FieldProblem[] {
  const problems = createProblemList();
  const { name, idNumber } = input.subject;
  const callerPasses = options.inputType === 'CALLER_PASSES';
  const rule = 'is needed when options.tencentCnEId.inputType is CALLER_PASSES';

  if (name !== null) problems.add('subject.name', checkName(name, 32));
  else if (callerPasses) problems.add('subject.name', rule);

  if (idNumber !== null) {
    const problem = checkIdNumber(idNumber, { min: 1, max: 32 });
    problems.add('subject.idNumber', problem);
    if (problem === null) doubt('subject.idNumber', checkIdNumberChecksum(idNumber, nowMs));
  } else if (callerPasses) {
    problems.add('subject.idNumber', rule);
  }

  if (input.referenceImage !== null) {
    problems.add('referenceImage', 'is not used by the channel E_ID');
  }
  return problems.all;
}

function extraProblems(input: StartInput): readonly FieldProblem[] {
  const problems = createProblemList();
  if (input.extra !== null) problems.add('extra', checkText(input.extra, 1024));
  return problems.all;
}

// The SDK states both 150 and 250 characters for an action's text; the shorter limit is always accepted.
function intentionProblems(options: Options): readonly FieldProblem[] {
  const problems = createProblemList();
  const at = (field: string): string => `options.tencentCnEId.${field}`;
  const given = (value: unknown): boolean => value !== null && value !== undefined;

  if (!options.useIntentionVerify) {
    const unused = intentionFields.filter((field) => given(options[field]));
    if (unused.length > 0) {
      problems.add(at('useIntentionVerify'), `must be true with ${unused.join(', ')}`);
    }
    return problems.all;
  }

  const mode = options.intentionMode ?? 'READ_ALOUD';
  for (const [field, itsMode] of Object.entries(modeOfField)) {
    if (mode !== itsMode && given(options[field as keyof typeof modeOfField])) {
      problems.add(at(field), `belongs to intentionMode ${itsMode}`);
    }
  }

  if (mode === 'READ_ALOUD') {
    addTextProblems(problems, at('intentionVerifyText'), options.intentionVerifyText ?? null);
  }
  if (mode === 'QUESTION_AND_ANSWER') {
    addQuestionProblems(problems, at('intentionQuestions'), options.intentionQuestions ?? []);
  }
  if (mode === 'NOD') {
    addActionProblems(problems, at('intentionActions'), options.intentionActions ?? [], 150);
  }
  return problems.all;
}

const modeOfField = {
  intentionVerifyText: 'READ_ALOUD',
  intentionQuestions: 'QUESTION_AND_ANSWER',
  intentionRecognition: 'QUESTION_AND_ANSWER',
  mouthOpenRecognition: 'QUESTION_AND_ANSWER',
  intentionActions: 'NOD',
} as const satisfies Partial<Record<keyof Options, IntentionMode>>;

const intentionFields = ['intentionMode', 'speed', ...keysOf(modeOfField)] as const;

function attested(options: Options): CheckKind[] {
  const checks: CheckKind[] = [...eId.checks];
  if (inputTypes[options.inputType ?? 'OCR_BOTH_SIDES'].readsDocument) checks.push('DOCUMENT');
  if (options.useIntentionVerify) checks.push('INTENTION');
  return checks;
}

function toConfig(options: Options): EidTokenConfig {
  return {
    InputType: options.inputType ? inputTypes[options.inputType].number : undefined,
    UseIntentionVerify: options.useIntentionVerify ?? undefined,
    IntentionMode: options.intentionMode
      ? intentionModes[options.intentionMode].requestNumber
      : undefined,
    IntentionVerifyText: options.intentionVerifyText ?? undefined,
    IntentionQuestions: toQuestions(options.intentionQuestions),
    IntentionActions: toActions(options.intentionActions),
    IntentionRecognition: options.intentionRecognition ?? undefined,
    IsSupportHMTResidentPermitOCR: options.isSupportHMTResidentPermitOCR ?? undefined,
    MouthOpenRecognition: options.mouthOpenRecognition ?? undefined,
    Speed: options.speed ? speechSpeeds[options.speed] : undefined,
  };
}

type FlowState = 'waiting' | 'running' | 'finished' | 'timed_out' | 'unknown_token';

const flowStates: Readonly<Record<string, FlowState>> = {
  init: 'waiting',
  doing: 'running',
  finished: 'finished',
  timeout: 'timed_out',
};

async function readFlowState(
  call: ProviderCall<TencentCnSettings>,
  token: string,
): Promise<FlowState> {
  try {
    const { Status: status } = await checkEidTokenStatus(call, token);
    return Object.hasOwn(flowStates, status) ? (flowStates[status] ?? 'waiting') : 'waiting';
  } catch (error) {
    if (isFault(error, 'session_expired')) return 'timed_out';
    if (tokenIsOfNoUse(error)) return 'unknown_token';
    throw error;
  }
}

/** InfoType 1: text; 5: read aloud; 6: questions and nodding. Image parts are never requested. */
async function readResult(
  call: ProviderCall<TencentCnSettings>,
  token: string,
  intention: IntentionMode | null,
  isTimedOut: boolean,
): Promise<OutcomeAnswer> {
  const infoType = intention === null ? '1' : intention === 'READ_ALOUD' ? '15' : '16';
  try {
    const result = await getEidResult(call, token, infoType);
    const outcome = toFlowOutcome(result, {
      askedIntention: intention,
      codes: eidCodes,
      detailsType: 'TencentCnEIdDetails',
      identity: toIdentity(result, call.settings.eidPrivateKey),
    });
    return isTimedOut && outcome.kind === 'pending'
      ? expired('timeout', null, outcome.chargedAttempts)
      : outcome;
  } catch (error) {
    // After a time-out the session has simply ended. After "finished", a result that is no longer kept says
    // nothing about the person, who may have passed.
    if (isTimedOut && isFault(error, 'session_expired')) return expired('timeout', null);
    if (tokenIsOfNoUse(error)) {
      return { kind: 'not_told' };
    }
    throw error;
  }
}

/** Name and number come encrypted. Without the key, or the permission of the console, the code of the person is all. */
function toIdentity({ EidInfo: info }: EidResult, key: EidKey | undefined): ToldIdentity | null {
  if (!info) return null;
  const { EidCode: personCode = null, DesKey: desKey, UserInfo: userInfo } = info;
  const person = key && openEidInfo(key, { desKey: desKey ?? '', userInfo: userInfo ?? '' });
  const { name = null, idNumber = null } = person ?? {};
  return { source: 'PROVIDER_RECORD', name, idNumber, personCode, document: null };
}
