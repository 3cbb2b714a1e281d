import type { OutcomeAnswer, VerificationResult } from './outcome.ts';

/**
 * A verification that has ended. What is left out is not known: without a status, as when no table has
 * the code, it is undetermined, and never passed.
 */
export function ended(
  result: Pick<VerificationResult, 'code'> & Partial<VerificationResult>,
): Extract<OutcomeAnswer, { readonly kind: 'ended' }> {
  return { kind: 'ended', result: { ...unknown, ...result } };
}

const unknown = {
  status: 'UNDETERMINED',
  reason: 'OTHER',
  message: null,
  similarity: null,
  completedAtMs: null,
  billing: 'UNKNOWN',
  chargedAttempts: null,
  details: null,
} as const satisfies Omit<VerificationResult, 'code'>;
