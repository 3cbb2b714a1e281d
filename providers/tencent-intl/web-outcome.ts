import { ended, lookUp, type OutcomeAnswer } from '../../src/contract/plugin-api.ts';
import type { WebAttempt, WebResult } from './api.ts';
import { toDocumentIdentity } from './documents.ts';
import { webCodes } from './mapping.ts';

/**
 * The outcome for a GetWebVerificationResultIntl response. An absent code means "not finished", because the
 * documents leave it open. A pass with a document that did not pass is UNDETERMINED.
 */
export function toWebOutcome(result: WebResult): OutcomeAnswer {
  const attempts = (result.VerificationDetailList ?? []).toSorted(
    (a, b) => (a.ReqTimestamp ?? 0) - (b.ReqTimestamp ?? 0),
  );
  const chargedAttempts = countCharged(result, attempts);
  const code = result.ErrorCode;
  const meaning = lookUp(webCodes, code);
  const { status = 'UNDETERMINED', reason = 'OTHER', message = null } = meaning ?? {};
  if (code === null || status === 'PENDING') return { kind: 'pending', chargedAttempts };

  const documents = result.OCRResult ?? [];
  const isContradicted =
    status === 'PASSED' && documents.some(({ IsPass: isPass }) => isPass !== true);
  const last = attempts.at(-1);
  return ended({
    identity: toDocumentIdentity(result),
    status: isContradicted ? 'UNDETERMINED' : status,
    code,
    reason: isContradicted ? 'DOCUMENT_UNREADABLE' : reason,
    message: isContradicted ? null : message,
    similarity: last?.Similarity ?? null,
    completedAtMs: last?.ReqTimestamp ?? null,
    billing: (chargedAttempts ?? 0) > 0 ? 'CHARGED' : (meaning?.billing ?? 'UNKNOWN'),
    // Without a list of attempts, a charge has no number.
    chargedAttempts:
      attempts.length === 0 && meaning?.billing === 'CHARGED' ? null : chargedAttempts,
    details: {
      __typename: 'TencentIntlWebDetails',
      verificationAttempts: attempts.map(toAttempt),
      documentPassed:
        documents.length === 0 ? null : documents.every(({ IsPass: isPass }) => isPass === true),
      documentWarningCodes: documents.flatMap(({ WarnCardInfos: codes }) =>
        (codes ?? []).filter((warning) => warning !== null && Number.isInteger(warning)),
      ),
    },
  });
}

/** Null if the billing of an attempt's code is not known. */
function countCharged(result: WebResult, attempts: readonly WebAttempt[]): number | null {
  if (!result.VerificationDetailList) return null;
  const billings = attempts.map(
    ({ ErrorCode: code }) => lookUp(webCodes, code)?.billing ?? 'UNKNOWN',
  );
  return billings.includes('UNKNOWN')
    ? null
    : billings.filter((billing) => billing === 'CHARGED').length;
}

function toAttempt(attempt: WebAttempt): Record<string, unknown> {
  return {
    at: attempt.ReqTimestamp,
    code: attempt.ErrorCode,
    livenessCode: attempt.LivenessErrorCode,
    compareCode: attempt.CompareErrorCode,
    similarity: attempt.Similarity,
  };
}
