import { checkBankCard, type CheckBankCardOutcome } from '../../core/bank-cards/check-bank-card.ts';
import {
  beforeClaimWasRead,
  failed,
  problem,
  retryLaterMs,
  type Problem,
  type ProblemCode,
} from '../../core/problem.ts';
import type { VerificationRecord } from '../../core/records/records.ts';
import { redactUserData } from '../../core/redaction/redact-user-data.ts';
import { redactVerification } from '../../core/redaction/redact-verification.ts';
import { cancelVerification } from '../../core/verifications/cancel-verification.ts';
import {
  startVerification,
  type StartVerificationOutcome,
} from '../../core/verifications/start-verification.ts';
import type { MutationResolvers } from '../generated.ts';
import { reportOperation, type Told } from '../report-operation.ts';
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

const toldOfStart = ({
  verification: { id, providerId },
  replayed,
  reused,
}: Extract<StartVerificationOutcome, { kind: 'success' }>): Told => ({
  ...{ record: id, provider: providerId, replayed, reused },
});

const toldOfCheck = ({
  check: { id, providerId, result },
  replayed,
  cached,
  stored,
}: Extract<CheckBankCardOutcome, { kind: 'success' }>): Told => ({
  ...{ record: id, provider: providerId, replayed, cached, stored },
  billing: result?.billing ?? 'UNKNOWN',
});

const toldOfVerification = ({
  verification: { id, providerId },
}: {
  verification: VerificationRecord;
}): Told => ({
  ...{ record: id, provider: providerId },
});

export const mutation: MutationResolvers = {
  startVerification: async (_root, { input }, { core, caller, deadlineMs, admitted }) => {
    const isLate = admitted === 'late';
    const outcome = await reportOperation(core, 'startVerification', toldOfStart, async () =>
      admitted === 'shed'
        ? failed(overloaded())
        : startVerification(core, caller, input, deadlineMs, { isLate }),
    );
    if (outcome.kind === 'problem') return toGraphqlProblem(providerProblems, outcome.problem);
    const { verification, replayed, reused } = outcome;
    return { __typename: 'StartVerificationSuccess', verification, replayed, reused };
  },
  checkBankCard: async (_root, { input }, { core, caller, deadlineMs, admitted }) => {
    const isLate = admitted === 'late';
    const outcome = await reportOperation(core, 'checkBankCard', toldOfCheck, async () =>
      admitted === 'shed'
        ? failed(overloaded())
        : checkBankCard(core, caller, input, deadlineMs, { isLate }),
    );
    if (outcome.kind === 'problem') return toGraphqlProblem(providerProblems, outcome.problem);
    const { check, replayed, cached, stored } = outcome;
    return { __typename: 'CheckBankCardSuccess', check, replayed, cached, stored };
  },
  cancelVerification: async (_root, { id }, { core, caller, loaders, deadlineMs }) => {
    const outcome = await reportOperation(core, 'cancelVerification', toldOfVerification, () =>
      cancelVerification(core, caller, id, deadlineMs),
    );
    if (outcome.kind === 'problem') {
      return toGraphqlProblem(['NOT_FOUND', 'STORE_UNAVAILABLE'], outcome.problem);
    }
    loaders.verification.clear(id);
    return { __typename: 'CancelVerificationSuccess', verification: outcome.verification };
  },
  redactVerification: async (_root, { id }, { core, caller, loaders }) => {
    const outcome = await reportOperation(core, 'redactVerification', toldOfVerification, () =>
      redactVerification(core, caller, id),
    );
    if (outcome.kind === 'problem') {
      return toGraphqlProblem(['NOT_FOUND', 'STORE_UNAVAILABLE'], outcome.problem);
    }
    loaders.verification.clear(id);
    return { __typename: 'RedactVerificationSuccess', verification: outcome.verification };
  },
  redactUserData: async (_root, { userId }, { core, caller, loaders, deadlineMs }) => {
    const outcome = await reportOperation(
      core,
      'redactUserData',
      () => ({}),
      () => redactUserData(core, caller, userId, deadlineMs),
    );
    if (outcome.kind === 'problem') return toGraphqlProblem(['STORE_UNAVAILABLE'], outcome.problem);
    loaders.verification.clearAll();
    const { verifications, checks } = outcome;
    return { __typename: 'RedactUserDataSuccess', verifications, checks };
  },
};
