import type { OutcomeAnswer, VerificationResult } from './outcome.ts';

/**
 * An ended verification. Fields that are left out get the value for "not known". Without a status, for
 * example when no table contains the code, the verification is UNDETERMINED and never PASSED.
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
