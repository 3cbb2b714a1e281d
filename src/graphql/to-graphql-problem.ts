import type { Problem, ProblemCode } from '../core/problem.ts';

/** The type of a problem follows from its code. `NOT_FOUND` is no outcome of a start or a check. */
const typenames = {
  INVALID_INPUT: 'VerificationInputProblem',
  IDEMPOTENCY_MISMATCH: 'VerificationIdempotencyProblem',
  IN_PROGRESS: 'VerificationIdempotencyProblem',
  RATE_LIMITED: 'VerificationLimitProblem',
  OVERLOADED: 'VerificationLimitProblem',
  PROVIDER_UNAVAILABLE: 'VerificationProviderProblem',
  PROVIDER_REJECTED: 'VerificationProviderProblem',
  PROVIDER_QUOTA_EXHAUSTED: 'VerificationProviderProblem',
  PROVIDER_MISCONFIGURED: 'VerificationProviderProblem',
  PROVIDER_NOT_ENABLED: 'VerificationProviderProblem',
  OUTCOME_UNKNOWN: 'VerificationProviderProblem',
  STORE_UNAVAILABLE: 'VerificationUnavailableProblem',
} as const satisfies Record<Exclude<ProblemCode, 'NOT_FOUND'>, string>;

export function toGraphqlProblem(problem: Problem) {
  if (problem.code === 'NOT_FOUND') throw new Error('NOT_FOUND is no outcome here');
  const { fields, ...common } = problem;
  return { __typename: typenames[problem.code], ...common, fields: [...fields] };
}
