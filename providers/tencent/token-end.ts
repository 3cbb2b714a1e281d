import { ended, isFault, type OutcomeAnswer } from '../../src/contract/plugin-api.ts';

/** Ended by the provider's word that the time is over, with what was charged on the way. */
export function expired(code: string, chargedAttempts: number | null = null): OutcomeAnswer {
  return ended({
    status: 'EXPIRED',
    code,
    reason: 'TIMED_OUT',
    message: 'The person did not finish in time.',
    billing: chargedAttempts === null ? 'UNKNOWN' : chargedAttempts > 0 ? 'CHARGED' : 'NOT_CHARGED',
    chargedAttempts,
  });
}

/** The provider says nothing about this token: forgotten, never given out, or not understood. */
export function tokenIsOfNoUse(error: unknown): boolean {
  return isFault(error, 'session_expired', 'session_unknown', 'rejected');
}
