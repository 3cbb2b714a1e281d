import type { ActionEffect, FaultKind } from '../../contract/index.ts';
import type { ProblemCode } from '../problem.ts';

/** What a fault of a call means for its caller and its claim. */
export interface FaultPolicy {
  readonly problem: ProblemCode;
  /** `release`: nothing chargeable was done, so the key is free again. `unknown`: it may have been done. */
  readonly claim: 'release' | 'unknown';
}

const released = (problem: ProblemCode): FaultPolicy => ({ problem, claim: 'release' });
const unknown: FaultPolicy = { problem: 'OUTCOME_UNKNOWN', claim: 'unknown' };

/** The kinds that prove that nothing was done. They mean the same for every effect. */
const refused = {
  not_sent: released('PROVIDER_UNAVAILABLE'),
  throttled: released('RATE_LIMITED'),
  busy: released('PROVIDER_UNAVAILABLE'),
  credentials: released('PROVIDER_MISCONFIGURED'),
  misconfigured: released('PROVIDER_MISCONFIGURED'),
  quota_exhausted: released('PROVIDER_QUOTA_EXHAUSTED'),
  rejected: released('PROVIDER_REJECTED'),
  session_expired: released('PROVIDER_REJECTED'),
  session_unknown: released('PROVIDER_REJECTED'),
} as const satisfies Partial<Record<FaultKind, FaultPolicy>>;

/**
 * The only table that decides whether a key may be paid for again: effect of the action × kind of the fault.
 * A read has no claim and is never charged, so its faults change no claim.
 */
export const faultPolicies = {
  may_charge: {
    ...refused,
    internal: unknown,
    timeout: unknown,
    connection_lost: unknown,
    protocol: unknown,
  },
  // A lost response leaves at most an unused token, which costs nothing.
  free_start: {
    ...refused,
    internal: released('PROVIDER_UNAVAILABLE'),
    timeout: released('PROVIDER_UNAVAILABLE'),
    connection_lost: released('PROVIDER_UNAVAILABLE'),
    protocol: released('PROVIDER_UNAVAILABLE'),
  },
} as const satisfies Record<Exclude<ActionEffect, 'read'>, Record<FaultKind, FaultPolicy>>;
