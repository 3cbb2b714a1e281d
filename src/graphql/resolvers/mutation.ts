import { checkBankCard } from '../../core/check-bank-card.ts';
import { startVerification } from '../../core/start-verification.ts';
import type { MutationResolvers } from '../generated.ts';
import { toGraphqlProblem } from '../to-graphql-problem.ts';

export const mutation: MutationResolvers = {
  startVerification: async (_root, { input }, { core, caller, deadlineMs }) => {
    const outcome = await startVerification(core, caller, input, deadlineMs);
    if (outcome.kind === 'problem') return toGraphqlProblem(outcome.problem);
    const { verification, replayed, reused } = outcome;
    return { __typename: 'StartVerificationSuccess', verification, replayed, reused };
  },
  checkBankCard: async (_root, { input }, { core, caller, deadlineMs }) => {
    const outcome = await checkBankCard(core, caller, input, deadlineMs);
    if (outcome.kind === 'problem') return toGraphqlProblem(outcome.problem);
    const { check, replayed, cached, stored } = outcome;
    return { __typename: 'CheckBankCardSuccess', check, replayed, cached, stored };
  },
};
