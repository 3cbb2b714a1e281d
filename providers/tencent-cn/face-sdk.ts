import { z } from 'zod';
import {
  checkBase64Image,
  checkIdNumber,
  checkIdNumberChecksum,
  checkName,
  checkText,
  createProblemList,
  ended,
  isFault,
  lookUp,
  ProviderFault,
  type ChannelDefinition,
  type FieldProblem,
  type OutcomeAnswer,
  type PrepareContext,
  type StartInput,
} from '../../src/contract/plugin-api.ts';
import { getFaceIdResult, getFaceIdToken, type FaceIdResult } from './api.ts';
import { billingOf, faceIdCodes, faceIdThrottledCode } from './mapping.ts';
import { bizTokenExpiredText } from './texts.ts';
import type { TencentCnSettings } from './settings.ts';
import { toMedia } from '../tencent/to-media.ts';
import { expired, tokenIsOfNoUse } from '../tencent/token-end.ts';

const optionsSchema = z.strictObject({
  compareLib: z.literal(['LOCAL', 'BUSINESS']).nullish(),
  meta: z.string().nullish(),
  metaData: z.string().nullish(),
  useCos: z.boolean().nullish(),
  ruleId: z.string().nullish(),
});

type CompareLib = 'LOCAL' | 'BUSINESS';

const sessionSchema = z.object({
  token: z.string(),
  // Absent in sessions of earlier builds.
  useCos: z.boolean().default(false),
});

const maxImageLength = 8 * 1024 * 1024;

/** The app SDK: GetFaceIdToken, then GetFaceIdResult. */
export const faceSdk: ChannelDefinition<TencentCnSettings> = {
  action: 'GetFaceIdToken',
  checks: ['LIVENESS', 'FACE_MATCH'],
  requires: ['subject.name', 'subject.idNumber'],
  requiresWith: [{ option: 'compareLib', value: 'LOCAL', requires: ['referenceImage'] }],
  outcome: 'QUERY',
  optionsField: 'tencentCnFaceSdk',
  pollEveryMs: 1000,
  graceSeconds: 60,
  retentionSeconds: 3 * 24 * 3600,

  prepare: (input, context) => {
    const options = optionsSchema.parse(input.options ?? {});
    const compareLib = options.compareLib ?? (input.referenceImage === null ? 'BUSINESS' : 'LOCAL');
    const problems = findProblems(input, compareLib, context);
    if (problems.length > 0) return { problems };

    return {
      checks: compareLib === 'BUSINESS' ? [...faceSdk.checks, 'IDENTITY_RECORD'] : faceSdk.checks,
      start: async (call) => {
        const answer = await getFaceIdToken(call, {
          CompareLib: compareLib,
          Name: input.subject.name ?? undefined,
          IdCard: input.subject.idNumber ?? undefined,
          ImageBase64: input.referenceImage ?? undefined,
          Meta: options.meta ?? undefined,
          MetaData: options.metaData ?? undefined,
          Extra: input.extra ?? undefined,
          UseCos: options.useCos ?? undefined,
          RuleId: options.ruleId ?? call.settings.ruleId,
        });
        return {
          launch: {
            kind: 'sdk_token',
            token: answer.FaceIdToken,
            clientConfig: answer.ClientConfig ?? undefined,
          },
          session: { token: answer.FaceIdToken, useCos: options.useCos === true },
          expiresInSeconds: 600,
        };
      },
    };
  },

  fetchOutcome: async (call, session) => {
    const { token, useCos: areInBucket } = sessionSchema.parse(session);
    try {
      return toFaceIdOutcome(await getFaceIdResult(call, { token, areInBucket }));
    } catch (error) {
      if (isFault(error, 'session_expired')) {
        return expired('InvalidParameterValue.BizTokenExpired', bizTokenExpiredText);
      }
      if (tokenIsOfNoUse(error)) return { kind: 'not_told' };
      throw error;
    }
  },
};

function findProblems(
  input: StartInput,
  compareLib: CompareLib,
  { doubt, nowMs }: PrepareContext<TencentCnSettings>,
): readonly FieldProblem[] {
  const problems = createProblemList();
  const { name, idNumber } = input.subject;

  if (name !== null) problems.add('subject.name', checkName(name));
  else if (compareLib === 'BUSINESS')
    problems.add('subject.name', 'is needed when compareLib is BUSINESS');

  if (idNumber !== null) {
    const problem = checkIdNumber(idNumber);
    problems.add('subject.idNumber', problem);
    if (problem === null) doubt('subject.idNumber', checkIdNumberChecksum(idNumber, nowMs));
  } else if (compareLib === 'BUSINESS') {
    problems.add('subject.idNumber', 'is needed when compareLib is BUSINESS');
  }

  if (compareLib === 'BUSINESS' && input.referenceImage !== null) {
    problems.add('referenceImage', 'is not used when compareLib is BUSINESS');
  } else if (compareLib === 'LOCAL') {
    problems.add(
      'referenceImage',
      input.referenceImage === null
        ? 'is needed when compareLib is LOCAL'
        : checkBase64Image(input.referenceImage, maxImageLength),
    );
  }

  if (input.hasRedirectUrl) {
    problems.add('redirectUrl', 'is not used by the channel FACE_SDK: your app goes on by itself');
  }
  // 1000 here, but 1024 in GetEidToken, according to the pages.
  if (input.extra !== null) problems.add('extra', checkText(input.extra, 1000));
  return problems.all;
}

function toFaceIdOutcome(result: FaceIdResult): OutcomeAnswer {
  const code = result.Result;
  if (code === null) return { kind: 'pending' };
  if (code === faceIdThrottledCode) throw new ProviderFault('throttled', { providerCode: code });

  const meaning = lookUp(faceIdCodes, code);
  const { status = 'UNDETERMINED', reason = 'OTHER', message = null } = meaning ?? {};
  if (status === 'PENDING') return { kind: 'pending' };
  const { Similarity: similarity } = result;
  return ended({
    ...{ status, code, reason, message },
    similarity: similarity !== null && similarity >= 0 && similarity <= 100 ? similarity : null,
    billing: meaning ? billingOf(meaning) : 'UNKNOWN',
    chargedAttempts: typeof meaning?.charged === 'boolean' ? Number(meaning.charged) : null,
    details: {
      __typename: 'TencentCnFaceSdkDetails',
      deviceRiskLevel: result.DeviceInfoLevel ?? null,
      deviceTags: result.DeviceInfoTag,
      riskTags: result.RiskInfoTag,
      livenessTags: result.LivenessInfoTag,
    },
    identity: {
      // Most likely what the caller gave: with the caller's own photo, nobody asks a register (facts of page 49199).
      source: 'CALLER',
      ...{ name: result.Name ?? null, idNumber: result.IdCard ?? null },
      ...{ personCode: null, document: null },
    },
    media: toMedia({
      LIVENESS_VIDEO: result.VideoBase64,
      BEST_FRAME: result.BestFrameBase64,
      DOCUMENT_FRONT: result.IdCardFrontBase64,
    }),
  });
}
