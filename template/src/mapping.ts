import type { FaultKind, TerminalStatus } from 'verification-subgraph/provider';

/** What each error code proves. A code that is missing here counts as possibly done. */
export const faults: Readonly<Record<string, FaultKind>> = {
  RATE_LIMIT: 'throttled',
  MAINTENANCE: 'busy',
  BAD_KEY: 'credentials',
  NOT_PERMITTED: 'misconfigured',
  NO_CREDIT: 'quota_exhausted',
  BAD_REQUEST: 'rejected',
  NOT_FOUND: 'session_unknown',
  SERVER_ERROR: 'internal',
};

export interface StateMeaning {
  readonly status: TerminalStatus | 'PENDING';
  /** A value of VerificationOutcomeReason. */
  readonly reason: string;
  readonly message: string;
}

/** What each state of an identity means. A state that is missing here is never a pass. */
export const states: Readonly<Record<string, StateMeaning>> = {
  open: { status: 'PENDING', reason: 'OTHER', message: 'The person is at it.' },
  approved: { status: 'PASSED', reason: 'VERIFIED', message: 'Passed.' },
  declined: { status: 'FAILED', reason: 'FACE_MISMATCH', message: 'It is not the same person.' },
  unreadable: {
    status: 'FAILED',
    reason: 'MY_PROVIDER_DOCUMENT_TOO_DARK',
    message: 'The document could not be read.',
  },
  cancelled: { status: 'CANCELLED', reason: 'USER_CANCELLED', message: 'The person left.' },
  expired: { status: 'EXPIRED', reason: 'TIMED_OUT', message: 'The time was over.' },
};
