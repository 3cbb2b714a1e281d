import type { Resolvers } from '../generated.ts';
import { userMessages } from '../user-messages.ts';

type ProblemResolvers = NonNullable<Resolvers['VerificationUnavailableProblem']>;

/** What all problem types have in common. */
export const problem = {
  userMessage: ({ code }, { language }) => userMessages.ofProblem(code)[language],
} as const satisfies ProblemResolvers;
