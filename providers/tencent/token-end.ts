import { ended, isFault, type OutcomeAnswer } from '../../src/contract/plugin-api.ts';

/** Ended because the provider reports that the time is over. `message`: its own text for the code. */
export function expired(
  code: string,
  message: string | null,
  chargedAttempts: number | null = null,
): OutcomeAnswer {
  return ended({
    status: 'EXPIRED',
    code,
    reason: 'TIMED_OUT',
    message,
    billing: chargedAttempts === null ? 'UNKNOWN' : chargedAttempts > 0 ? 'CHARGED' : 'NOT_CHARGED',
    chargedAttempts,
  });
}

/** Whether the provider has no information about this token: expired, unknown or refused. */
export function tokenIsOfNoUse(error: unknown): boolean {
  return isFault(error, 'session_expired', 'session_unknown', 'rejected');
}
