import { z } from 'zod';
import {
  checkBase64Image,
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
  type StartInput,
  type ToldDocument,
  type ToldIdentity,
} from '../../src/contract/plugin-api.ts';
import { keysOf } from '../shared/tables.ts';
import { afterRetries } from '../tencent/after-retries.ts';
import { expired, tokenIsOfNoUse } from '../tencent/token-end.ts';
import { getDetectInfo, startDetectAuth, type RuleIdConfig, type WebResult } from './api.ts';
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
import { intentionModes, speechSpeeds, webFlowCodes, type IntentionMode } from './mapping.ts';
import type { TencentCnSettings } from './settings.ts';
import { bizTokenExpiredText } from './texts.ts';

const optionsSchema = z.strictObject({
  ruleId: z.string().nullish(),
  intentionVerifyText: z.string().nullish(),
  intentionQuestions: questionsSchema,
  intentionActions: actionsSchema,
  intentionRecognition: z.boolean().nullish(),
  mouthOpenRecognition: z.boolean().nullish(),
  speed: z.literal(keysOf(speechSpeeds)).nullish(),
});

type Options = z.output<typeof optionsSchema>;
type Session = z.output<typeof sessionSchema>;

const sessionSchema = z.object({
  token: z.string(),
  /** The setting may change, and the result belongs to the rule of the start. */
  ruleId: z.string(),
  intention: z.literal(keysOf(intentionModes)).nullable(),
  /** Who says who the person is, if no document does. */
  source: z.literal(['CALLER', 'PROVIDER_RECORD']),
});

const maxImageLength = 3 * 1024 * 1024;
const checks: readonly CheckKind[] = ['LIVENESS', 'FACE_MATCH', 'IDENTITY_RECORD'];

/** The page inside WeChat: DetectAuth, then GetDetectInfoEnhanced. */
export const web: ChannelDefinition<TencentCnSettings> = {
  action: 'DetectAuth',
  checks,
  requires: ({ web: { requires } }) => requires,
  isSetUp: ({ web: { ruleId } }) => ruleId !== undefined,
  outcome: 'QUERY',
  optionsField: 'tencentCnWeb',
  // There is no query of the state. 100 a second are shared by all verifications of the account.
  pollEveryMs: 2000,
  graceSeconds: 60,
  retentionSeconds: 3 * 24 * 3600,

  prepare: (input, context) => {
    const options = optionsSchema.parse(input.options ?? {});
    const ruleId = options.ruleId ?? context.settings.web.ruleId;
    const problems = [
      ...(ruleId ? [] : [noRule]),
      ...inputProblems(input, context),
      ...intentionProblems(options),
    ];
    if (problems.length > 0 || !ruleId) return { problems };

    const { name, idNumber } = input.subject;
    const intention = intentionOf(options);
    return {
      checks: attested(input, intention),
      start: async (call, { returnUrl }) => {
        const answer = await startDetectAuth(call, {
          RuleId: ruleId,
          Name: name ?? undefined,
          IdCard: idNumber ?? undefined,
          ImageBase64: input.referenceImage ?? undefined,
          Extra: input.extra ?? undefined,
          RedirectUrl: returnUrl,
          IntentionVerifyText: options.intentionVerifyText ?? undefined,
          IntentionQuestions: toQuestions(options.intentionQuestions),
          IntentionActions: toActions(options.intentionActions),
          Config: toConfig(options, intention),
        });
        return {
          launch: { kind: 'redirect', url: answer.Url, token: answer.BizToken },
          session: {
            ...{ token: answer.BizToken, ruleId, intention },
            source: sourceOf(input),
          },
          expiresInSeconds: 7200,
        };
      },
    };
  },

  fetchOutcome: async (call, session, progress) => {
    const { token, ruleId, intention, source } = sessionSchema.parse(session);
    const ask = async (infoType: string): Promise<OutcomeAnswer> => {
      const result = await getDetectInfo(call, { token, ruleId, infoType });
      return toFlowOutcome(result, {
        askedIntention: intention,
        codes: webFlowCodes,
        detailsType: 'TencentCnWebDetails',
        identity: toIdentity(result, source),
      });
    };
    try {
      const outcome = await ask(infoTypeOf(intention));
      // The rule of the console may turn on an intention check that the start did not ask for.
      const isUnexpected = outcome.kind === 'not_told' && intention === null;
      return afterRetries(isUnexpected ? await ask(anyIntention) : outcome, progress);
    } catch (error) {
      if (isFault(error, 'session_expired')) {
        return expired('InvalidParameterValue.BizTokenExpired', bizTokenExpiredText);
      }
      if (tokenIsOfNoUse(error)) return { kind: 'not_told' };
      throw error;
    }
  },
};

const anyIntention = '156';

/** 1: text; 5: read aloud; 6: questions and nodding. Images and videos of the face are never requested. */
function infoTypeOf(intention: IntentionMode | null): string {
  if (intention === null) return '1';
  return intention === 'READ_ALOUD' ? '15' : '16';
}

const noRule: FieldProblem = {
  path: 'channel',
  message: 'FACE_WEB needs the setting TENCENT_CN_WEB_RULE_ID, or options.tencentCnWeb.ruleId',
};

/** Without a name, the person types it. A register is asked about it, unless there is a photo to compare with. */
function sourceOf({ subject: { name, idNumber }, referenceImage }: StartInput): Session['source'] {
  const isGiven = name !== null && idNumber !== null;
  return isGiven || referenceImage !== null ? 'CALLER' : 'PROVIDER_RECORD';
}

/** Name and number are those that were checked: the caller's, those of a photographed document, or typed ones. */
function toIdentity({ Text: text }: WebResult, source: Session['source']): ToldIdentity | null {
  if (!text) return null;
  const number = firstFilled(text.OcrIdCard);
  const document = number
    ? {
        ...(documentTypes[text.UseIDType ?? 0] ?? otherDocument),
        ...{ number, birthDate: toIsoDate(text.OcrBirth ?? null) },
        // `2015.03.07-2035.03.07`, or a word for "long-term".
        expiresOn: toIsoDate(text.OcrValidDate?.split('-')[1] ?? null),
      }
    : null;
  return {
    source: document && source === 'PROVIDER_RECORD' ? 'DOCUMENT' : source,
    name: firstFilled(text.Name, text.OcrName),
    idNumber: firstFilled(text.IdCard, document?.kind === 'OTHER' ? null : number),
    personCode: null,
    document,
  };
}

const otherDocument = { kind: 'OTHER', issuingRegion: null } as const;

/** `UseIDType`. A residence permit is that of a person from Hong Kong, Macao or Taiwan. */
const documentTypes: Readonly<Record<number, Pick<ToldDocument, 'kind' | 'issuingRegion'>>> = {
  0: { kind: 'ID_CARD', issuingRegion: 'CN' },
  1: { kind: 'RESIDENCE_PERMIT', issuingRegion: 'CN' },
  2: otherDocument,
};

function firstFilled(...texts: readonly (string | null | undefined)[]): string | null {
  return texts.find((text) => typeof text === 'string' && text !== '') ?? null;
}

/** From `1990/3/7` or `2035.03.07`. */
function toIsoDate(text: string | null): string | null {
  const [, year, month = '', day = ''] =
    /^(\d{4})[./](\d{1,2})[./](\d{1,2})$/u.exec(text ?? '') ?? [];
  return year === undefined ? text : `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
}

/** With the caller's own photo no register is asked. */
function attested({ referenceImage }: StartInput, intention: IntentionMode | null): CheckKind[] {
  const own =
    referenceImage === null ? checks : checks.filter((each) => each !== 'IDENTITY_RECORD');
  return [...own, ...(intention === null ? [] : ['INTENTION' as const])];
}

function inputProblems(
  { subject, referenceImage, extra }: StartInput,
  { settings, doubt, nowMs }: PrepareContext<TencentCnSettings>,
): readonly FieldProblem[] {
  const problems = createProblemList();
  const { name, idNumber } = subject;
  const missing = (path: string): string | null =>
    settings.web.requires.some((each) => each === path) ? 'is needed by your business flow' : null;
  problems.add('subject.name', name === null ? missing('subject.name') : checkName(name, 32));
  const wrong = idNumber === null ? missing('subject.idNumber') : checkIdNumber(idNumber);
  problems.add('subject.idNumber', wrong);
  if (idNumber !== null && wrong === null) {
    doubt('subject.idNumber', checkIdNumberChecksum(idNumber, nowMs));
  }
  problems.add(
    'referenceImage',
    referenceImage === null
      ? missing('referenceImage')
      : checkBase64Image(referenceImage, maxImageLength),
  );
  if (extra !== null) problems.add('extra', checkText(extra, 1024));
  return problems.all;
}

function intentionOf({
  intentionVerifyText: text,
  intentionQuestions: questions,
  intentionActions: actions,
}: Options): IntentionMode | null {
  if (typeof text === 'string') return 'READ_ALOUD';
  if (questions) return 'QUESTION_AND_ANSWER';
  return actions ? 'NOD' : null;
}

function intentionProblems(options: Options): readonly FieldProblem[] {
  const problems = createProblemList();
  const at = (field: keyof Options): string => `options.tencentCnWeb.${field}`;
  const { intentionVerifyText: text, intentionQuestions: questions } = options;
  const { intentionActions: actions } = options;
  const given = [text, questions, actions].filter((value) => value !== null && value !== undefined);
  if (given.length > 1) {
    const names = 'intentionVerifyText, intentionQuestions and intentionActions';
    problems.add(at('intentionVerifyText'), `give one of ${names}`);
  }
  addTextProblems(problems, at('intentionVerifyText'), text ?? null);
  if (questions) addQuestionProblems(problems, at('intentionQuestions'), questions);
  if (actions) addActionProblems(problems, at('intentionActions'), actions, 250);
  for (const field of ['intentionRecognition', 'mouthOpenRecognition'] as const) {
    if (typeof options[field] === 'boolean' && !questions) {
      problems.add(at(field), 'belongs to intentionQuestions');
    }
  }
  return problems.all;
}

function toConfig(options: Options, intention: IntentionMode | null): RuleIdConfig | undefined {
  const types: Partial<Record<IntentionMode, number>> = { QUESTION_AND_ANSWER: 0, NOD: 1 };
  const config: RuleIdConfig = {
    IntentionType: intention === null ? undefined : types[intention],
    IntentionRecognition: options.intentionRecognition ?? undefined,
    MouthOpenRecognition: options.mouthOpenRecognition ?? undefined,
    Speed: options.speed ? speechSpeeds[options.speed] : undefined,
  };
  return Object.values(config).some((value) => value !== undefined) ? config : undefined;
}
