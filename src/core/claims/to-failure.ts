import { ProviderFault } from '../../contract/index.ts';
import { LimiterRefusal, StoreUnavailable, type LimiterReason } from '../../ports/index.ts';
import { problem, retryLaterMs, type Limit, type Problem, type ProblemCode } from '../problem.ts';
import type { ClaimEffect } from '../upstream/claim-effect.ts';
import { faultPolicies } from '../upstream/fault-policy.ts';
import { StillInProgress } from './still-in-progress.ts';

/** What a failed attempt means for its caller and its claim. */
export interface Failure {
  readonly problem: Problem;
  /** `release`: it is proven that nothing chargeable was done. */
  readonly claim: 'release' | 'unknown';
}

const limits = {
  overloaded: 'SERVICE',
  no_slot_in_time: 'PROVIDER_RATE',
  tenant_daily: 'TENANT_DAILY',
  tenant_share: 'TENANT_SHARE',
  velocity: 'VELOCITY',
} as const satisfies Record<LimiterReason, Limit>;

/** Null for an unexpected error, which is a bug. */
export function toFailure(
  error: unknown,
  { effect, providerId }: { readonly effect: ClaimEffect; readonly providerId: string },
): Failure | null {
  const released = (code: ProblemCode, retryAfterMs: number | null): Failure => ({
    problem: problem(code, { retryAfterMs }),
    claim: 'release',
  });
  if (error instanceof LimiterRefusal) {
    const limit = limits[error.reason];
    const code = limit === 'SERVICE' ? 'OVERLOADED' : 'RATE_LIMITED';
    const { retryAfterMs } = error;
    return { claim: 'release', problem: problem(code, { retryAfterMs, limit }) };
  }
  if (error instanceof StillInProgress) {
    return released('IN_PROGRESS', retryLaterMs('IN_PROGRESS'));
  }
  // STARTED was not confirmed, or no slot was reserved: nothing was sent.
  if (error instanceof StoreUnavailable) return released('STORE_UNAVAILABLE', null);
  if (error instanceof ProviderFault) {
    const { problem: code, claim } = faultPolicies[effect][error.kind];
    return {
      claim,
      problem: problem(code, {
        provider: providerId,
        providerCode: error.providerCode ?? null,
        providerRequestId: error.providerRequestId ?? null,
        explanation: error.explanation ?? null,
        retryAfterMs: error.retryAfterMs ?? retryLaterMs(code),
      }),
    };
  }
  return null;
}

/** Whether a chargeable call certainly did nothing. */
export function provesNothingDone(error: unknown): boolean {
  return toFailure(error, { effect: 'may_charge', providerId: '' })?.claim === 'release';
}
