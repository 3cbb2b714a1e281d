import { checkBankCard } from '../../core/bank-cards/check-bank-card.ts';
import {
  beforeClaimWasRead,
  problem,
  retryLaterMs,
  type Problem,
  type ProblemCode,
} from '../../core/problem.ts';
import { redactUserData } from '../../core/redaction/redact-user-data.ts';
import { redactVerification } from '../../core/redaction/redact-verification.ts';
import { cancelVerification } from '../../core/verifications/cancel-verification.ts';
import { startVerification } from '../../core/verifications/start-verification.ts';
import type { MutationResolvers } from '../generated.ts';
import { toGraphqlProblem } from '../to-graphql-problem.ts';

/** The problems that a start or a check can return. NOT_FOUND is not one of them. */
const providerProblems = [
  'INVALID_INPUT',
  'IDEMPOTENCY_MISMATCH',
  'IN_PROGRESS',
  'RATE_LIMITED',
  'OVERLOADED',
  'PROVIDER_UNAVAILABLE',
  'PROVIDER_REJECTED',
  'PROVIDER_QUOTA_EXHAUSTED',
  'PROVIDER_MISCONFIGURED',
  'PROVIDER_NOT_ENABLED',
  'OUTCOME_UNKNOWN',
  'STORE_UNAVAILABLE',
] as const satisfies readonly ProblemCode[];

/** No work was done, and the claim was not read. */
function overloaded(): Problem {
  return beforeClaimWasRead(problem('OVERLOADED', { retryAfterMs: retryLaterMs('OVERLOADED') }));
}

export const mutation: MutationResolvers = {
  startVerification: async (_root, { input }, { core, caller, deadlineMs, admitted }) => {
    if (admitted === 'shed') return toGraphqlProblem(providerProblems, overloaded());
    const outcome = await startVerification(core, caller, input, deadlineMs, {
      isLate: admitted === 'late',
    });
    if (outcome.kind === 'problem') return toGraphqlProblem(providerProblems, outcome.problem);
    const { verification, replayed, reused } = outcome;
    return { __typename: 'StartVerificationSuccess', verification, replayed, reused };
  },
  checkBankCard: async (_root, { input }, { core, caller, deadlineMs, admitted }) => {
    if (admitted === 'shed') return toGraphqlProblem(providerProblems, overloaded());
    const outcome = await checkBankCard(core, caller, input, deadlineMs, {
      isLate: admitted === 'late',
    });
    if (outcome.kind === 'problem') return toGraphqlProblem(providerProblems, outcome.problem);
    const { check, replayed, cached, stored } = outcome;
    return { __typename: 'CheckBankCardSuccess', check, replayed, cached, stored };
  },
  cancelVerification: async (_root, { id }, { core, caller, loaders, deadlineMs }) => {
    const outcome = await cancelVerification(core, caller, id, deadlineMs);
    if (outcome.kind === 'problem') {
      return toGraphqlProblem(['NOT_FOUND', 'STORE_UNAVAILABLE'], outcome.problem);
    }
    loaders.verification.clear(id);
    return { __typename: 'CancelVerificationSuccess', verification: outcome.verification };
  },
  redactVerification: async (_root, { id }, { core, caller, loaders }) => {
    const outcome = await redactVerification(core, caller, id);
    if (outcome.kind === 'problem') {
      return toGraphqlProblem(['NOT_FOUND', 'STORE_UNAVAILABLE'], outcome.problem);
    }
    loaders.verification.clear(id);
    return { __typename: 'RedactVerificationSuccess', verification: outcome.verification };
  },
  redactUserData: async (_root, { userId }, { core, caller, loaders, deadlineMs }) => {
    const outcome = await redactUserData(core, caller, userId, deadlineMs);
    if (outcome.kind === 'problem') return toGraphqlProblem(['STORE_UNAVAILABLE'], outcome.problem);
    loaders.verification.clearAll();
    const { verifications, checks } = outcome;
    return { __typename: 'RedactUserDataSuccess', verifications, checks };
  },
};
