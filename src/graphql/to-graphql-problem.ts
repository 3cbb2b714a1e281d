import type { Limit, Problem, ProblemCode } from '../core/problem.ts';

/** The parent of the resolvers of all problem types. */
export interface GraphqlProblem extends Omit<Problem, 'limit'> {
  /** Only limit problems have the field, and each of them names its limit. */
  readonly limit: Limit;
}

/** The GraphQL type of each problem code. */
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
  NOT_FOUND: 'VerificationNotFoundProblem',
} as const satisfies Record<ProblemCode, string>;

type Typename<Code extends ProblemCode> = (typeof typenames)[Code];

/** `outcomes` lists the codes that the operation can return. Any other code is a bug. */
export function toGraphqlProblem<const Codes extends readonly ProblemCode[]>(
  outcomes: Codes,
  problem: Problem,
): GraphqlProblem & { readonly __typename: Typename<Codes[number]> } {
  const { code, limit } = problem;
  if (!outcomes.includes(code)) throw new Error(`${code} is not a problem of this operation`);
  const __typename = typenames[code] as Typename<Codes[number]>;
  return { __typename, ...problem, limit: limit ?? 'SERVICE' };
}
