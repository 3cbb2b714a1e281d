import {
  ended,
  lookUp,
  type OutcomeAnswer,
  type ToldIdentity,
  type VerificationResult,
} from '../../src/contract/plugin-api.ts';
import type { FlowAttempt, FlowResult } from './api.ts';
import {
  billingOf,
  idTypes,
  intentionModes,
  livenessModes,
  questionFinalCodes,
  type FaceTable,
  type ToldFaceCode,
  type IntentionMode,
} from './mapping.ts';

/** What tells the flows of E证通 and of the web apart. */
export interface Flow {
  /** What the start requested, because the response may lack it. */
  readonly askedIntention: IntentionMode | null;
  readonly codes: FaceTable;
  readonly detailsType: 'TencentCnEIdDetails' | 'TencentCnWebDetails';
  readonly identity: ToldIdentity | null;
}

/**
 * The outcome for a response of GetEidResult or GetDetectInfoEnhanced.
 *
 * With an intention check, the face step alone never passes the flow; the intention code decides. Every shape that the
 * documents leave open counts as "not finished".
 */
export function toFlowOutcome(result: FlowResult, flow: Flow): OutcomeAnswer {
  const { askedIntention, codes } = flow;
  const chargedAttempts = countCharged(result);
  const faceCode = result.Text?.ErrCode ?? null;
  if (faceCode === null) return { kind: 'pending', chargedAttempts };

  const face = lookUp(codes, faceCode);
  const isAsked = askedIntention !== null;
  const isVerified = result.IsVerifyIntention === true;
  const withIntention = isVerified || isAsked;
  if (face?.status !== 'PASSED' || !withIntention) {
    return conclude(result, face, faceCode, { mode: null, code: null }, flow);
  }

  const mode = intentionModeOf(result) ?? askedIntention;
  // A response without an intention may still carry `IntentionVerifyData` with the code 0 (tccli, 2026-08-21).
  const intention = mode === null || !isVerified ? null : readIntention(result, mode);
  if (intention === null) return { kind: 'not_told', chargedAttempts };
  const { code, meaning } = intention;
  return conclude(result, meaning, code, { mode, code }, flow);
}

function conclude(
  result: FlowResult,
  meaning: ToldFaceCode | undefined,
  code: string,
  intention: { readonly mode: IntentionMode | null; readonly code: string | null },
  flow: Flow,
): OutcomeAnswer {
  const chargedAttempts = countCharged(result);
  const { status = 'UNDETERMINED', reason = 'OTHER', message = null } = meaning ?? {};
  if (status === 'PENDING') return { kind: 'pending', chargedAttempts };
  const attempts = result.Text?.LivenessDetail ?? null;
  return ended({
    ...{ status, code, reason, message },
    similarity: toSimilarity(result.Text?.Sim),
    completedAtMs: attempts?.at(-1)?.ReqTime ?? null,
    billing: toBilling(result, flow.codes, meaning, chargedAttempts),
    chargedAttempts,
    details: {
      __typename: flow.detailsType,
      idType: toName(idTypes, result.Text?.UseIDType),
      livenessMode: toName(livenessModes, result.Text?.LivenessMode),
      faceCode: result.Text?.ErrCode ?? null,
      intentionMode: intention.mode,
      intentionCode: intention.code,
      attempts: attempts?.map(toAttempt) ?? null,
      livenessTags: result.Text?.LivenessInfoTag ?? null,
    },
    identity: flow.identity,
  });
}

/**
 * The number of charged attempts. Each attempt reports whether it is charged, and a flow may have several.
 * Null if an attempt does not report it.
 */
function countCharged(result: FlowResult): number | null {
  const attempts = result.Text?.LivenessDetail;
  const flags = attempts?.map((attempt) => attempt.IsNeedCharge);
  if (!flags?.every((flag) => typeof flag === 'boolean')) return null;
  return flags.filter(Boolean).length;
}

function toBilling(
  result: FlowResult,
  codes: FaceTable,
  meaning: ToldFaceCode | undefined,
  chargedAttempts: number | null,
): VerificationResult['billing'] {
  // The flags of the attempts take precedence over the table of codes.
  const attempts = result.Text?.LivenessDetail ?? [];
  if (attempts.some(({ IsNeedCharge: isCharged }) => isCharged === true)) return 'CHARGED';
  const face = lookUp(codes, result.Text?.ErrCode ?? '');
  if (!face || !meaning) return 'UNKNOWN';
  if (attempts.length > 0) return chargedAttempts === null ? 'UNKNOWN' : 'NOT_CHARGED';
  return billingOf(face);
}

function intentionModeOf(result: FlowResult): IntentionMode | null {
  const number = result.IntentionVerifyType;
  if (number === null || number === undefined) return null;
  const modes: readonly IntentionMode[] = ['READ_ALOUD', 'QUESTION_AND_ANSWER', 'NOD'];
  return modes.find((mode) => intentionModes[mode].answerNumber === number) ?? null;
}

/** The code that decides a mode, and its meaning; null while there is none. */
function readIntention(
  result: FlowResult,
  mode: IntentionMode,
): { readonly code: string; readonly meaning: ToldFaceCode | undefined } | null {
  const { codes } = intentionModes[mode];
  if (mode === 'QUESTION_AND_ANSWER') {
    const { FinalResultDetailCode: fine, FinalResultCode: coarse } =
      result.IntentionQuestionResult ?? {};
    if (fine === null || fine === undefined) return null;
    // If both codes are given, a pass needs both.
    const contradicted = fine === '0' && typeof coarse === 'string' && coarse !== '0';
    return contradicted
      ? { code: coarse, meaning: lookUp(questionFinalCodes, coarse) }
      : { code: fine, meaning: lookUp(codes, fine) };
  }
  const code =
    mode === 'READ_ALOUD'
      ? result.IntentionVerifyData?.ErrorCode
      : result.IntentionActionResult?.FinalResultDetailCode;
  return typeof code === 'string' ? { code, meaning: lookUp(codes, code) } : null;
}

function toAttempt(attempt: FlowAttempt): Record<string, unknown> {
  return {
    at: attempt.ReqTime ?? null,
    code: attempt.Errcode,
    similarity: toSimilarity(attempt.Sim),
    charged: attempt.IsNeedCharge ?? null,
    livenessMode: toName(livenessModes, attempt.LivenessMode),
  };
}

function toSimilarity(value: number | null | undefined): number | null {
  return typeof value === 'number' && value >= 0 && value <= 100 ? value : null;
}

function toName(
  names: Readonly<Record<number, string>>,
  value: number | null | undefined,
): string | null {
  return typeof value === 'number' ? (names[value] ?? null) : null;
}
