import type { Billing, FieldProblem } from '../contract/index.ts';

export type ProblemCode =
  | 'INVALID_INPUT'
  | 'IDEMPOTENCY_MISMATCH'
  | 'IN_PROGRESS'
  | 'RATE_LIMITED'
  | 'OVERLOADED'
  | 'PROVIDER_UNAVAILABLE'
  | 'PROVIDER_REJECTED'
  | 'PROVIDER_QUOTA_EXHAUSTED'
  | 'PROVIDER_MISCONFIGURED'
  | 'PROVIDER_NOT_ENABLED'
  | 'OUTCOME_UNKNOWN'
  | 'STORE_UNAVAILABLE'
  | 'NOT_FOUND';

/** Whose limit refused a call. */
export type Limit = 'PROVIDER_RATE' | 'TENANT_DAILY' | 'TENANT_SHARE' | 'VELOCITY' | 'SERVICE';

export type Retry = 'NONE' | 'SAME_KEY' | 'NEW_KEY';

/** Why an operation did not succeed, as the caller sees it. */
export interface Problem {
  readonly code: ProblemCode;
  readonly message: string;
  readonly retry: Retry;
  readonly retryAfterMs: number | null;
  readonly billing: Billing;
  readonly fields: readonly FieldProblem[];
  readonly provider: string | null;
  readonly providerCode: string | null;
  readonly providerRequestId: string | null;
  /** What the provider's code means in this response, in the plugin's words. */
  readonly explanation: string | null;
  /** Only with `RATE_LIMITED` and `OVERLOADED`. */
  readonly limit: Limit | null;
}

/** The form in which all use cases return a problem. */
export interface Failed {
  readonly kind: 'problem';
  readonly problem: Problem;
}

export function failed(found: Problem): Failed {
  return { kind: 'problem', problem: found };
}

interface ProblemPolicy {
  readonly message: string;
  readonly retry: Retry;
  readonly billing: Billing;
  readonly limit?: Limit;
}

/**
 * The messages are fixed, so that no problem repeats input. `billing` applies after the claim of the key was
 * read. Before that, `beforeClaimWasRead` applies.
 */
const policies = {
  INVALID_INPUT: {
    message: 'The input is not valid; `fields` names every field.',
    // Nothing was stored, so the same key works with corrected input.
    retry: 'SAME_KEY',
    billing: 'NOT_CHARGED',
  },
  IDEMPOTENCY_MISMATCH: {
    message: 'This idempotencyKey was used before with other input.',
    retry: 'NONE',
    // The call that the key was used for may have been charged.
    billing: 'UNKNOWN',
  },
  IN_PROGRESS: {
    message: 'The same idempotencyKey is still being worked on.',
    retry: 'SAME_KEY',
    // The call that is under way may be charged.
    billing: 'UNKNOWN',
  },
  RATE_LIMITED: {
    message: 'A limit is reached; `limit` says whose.',
    retry: 'SAME_KEY',
    billing: 'NOT_CHARGED',
    limit: 'PROVIDER_RATE',
  },
  OVERLOADED: {
    message: 'Too many calls are waiting already.',
    retry: 'SAME_KEY',
    billing: 'NOT_CHARGED',
    limit: 'SERVICE',
  },
  PROVIDER_UNAVAILABLE: {
    message: 'The provider cannot be reached or is busy.',
    retry: 'SAME_KEY',
    billing: 'NOT_CHARGED',
  },
  PROVIDER_REJECTED: {
    message: 'The provider refused the request as it stands; see `providerCode`.',
    retry: 'NEW_KEY',
    billing: 'NOT_CHARGED',
  },
  PROVIDER_QUOTA_EXHAUSTED: {
    message: "The units or the money of the provider's account are used up: a person has to act.",
    retry: 'SAME_KEY',
    billing: 'NOT_CHARGED',
  },
  PROVIDER_MISCONFIGURED: {
    message:
      'The provider refuses our credentials or settings; see `providerCode`. A person has to act.',
    retry: 'SAME_KEY',
    billing: 'NOT_CHARGED',
  },
  PROVIDER_NOT_ENABLED: {
    message:
      'The provider is not enabled here; `verificationProviders` says why. A person has to act.',
    retry: 'SAME_KEY',
    billing: 'NOT_CHARGED',
  },
  OUTCOME_UNKNOWN: {
    message: 'The request was sent and its answer was lost. It may have been done and charged.',
    retry: 'NEW_KEY',
    billing: 'UNKNOWN',
  },
  STORE_UNAVAILABLE: {
    message: 'The store does not answer. Repeat with the same idempotencyKey.',
    retry: 'SAME_KEY',
    billing: 'NOT_CHARGED',
  },
  NOT_FOUND: {
    message: 'No record with this id is visible to you.',
    retry: 'NONE',
    billing: 'NOT_CHARGED',
  },
} as const satisfies Record<ProblemCode, ProblemPolicy>;

export const problemCodes = Object.keys(policies) as readonly ProblemCode[];

/** When a retry makes sense, if the provider does not say. */
export function retryLaterMs(code: ProblemCode): number | null {
  const laterMs: Partial<Record<ProblemCode, number>> = {
    RATE_LIMITED: 1000,
    OVERLOADED: 2000,
    STORE_UNAVAILABLE: 1000,
    PROVIDER_UNAVAILABLE: 2000,
    IN_PROGRESS: 1000,
    // A person has to act before these end, so there is no use in asking more often.
    PROVIDER_QUOTA_EXHAUSTED: 60_000,
    PROVIDER_MISCONFIGURED: 60_000,
    PROVIDER_NOT_ENABLED: 60_000,
  };
  return laterMs[code] ?? null;
}

export function problem(
  code: ProblemCode,
  details: Partial<
    Pick<
      Problem,
      | 'retryAfterMs'
      | 'fields'
      | 'provider'
      | 'providerCode'
      | 'providerRequestId'
      | 'explanation'
      | 'limit'
    >
  > = {},
): Problem {
  return {
    code,
    limit: null,
    ...policies[code],
    retryAfterMs: null,
    fields: [],
    provider: null,
    providerCode: null,
    providerRequestId: null,
    explanation: null,
    ...details,
  };
}

/** A problem from before the claim was read. Another request may be paying for this key now. */
export function beforeClaimWasRead(found: Problem): Problem {
  return { ...found, billing: 'UNKNOWN' };
}
