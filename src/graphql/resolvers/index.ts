import type { GraphQLResolverMap } from '@apollo/subgraph';
import type { Resolvers } from '../generated.ts';
import { bankCardCheck } from './bank-card-check.ts';
import { dateTime } from './date-time.ts';
import { mutation } from './mutation.ts';
import { problem } from './problem.ts';
import { provider } from './provider.ts';
import { query } from './query.ts';
import { subscription } from './subscription.ts';
import { user } from './user.ts';
import {
  verification,
  verificationHandoff,
  verificationLaunch,
  verificationOutcome,
  verificationProviderCall,
  verifiedIdentity,
  verifiedIdentityDocument,
} from './verification.ts';

/** Resolvers only pass arguments to use cases and shape the results. They contain no decisions. */
const resolvers: Resolvers = {
  VerificationDateTime: dateTime,
  Query: query,
  Mutation: mutation,
  Subscription: subscription,
  Verification: verification,
  VerificationHandoff: verificationHandoff,
  VerificationLaunch: verificationLaunch,
  VerificationOutcome: verificationOutcome,
  VerificationProviderCall: verificationProviderCall,
  VerifiedIdentity: verifiedIdentity,
  VerifiedIdentityDocument: verifiedIdentityDocument,
  VerificationProvider: provider,
  BankCardCheck: bankCardCheck,
  User: user,
  VerificationInputProblem: problem,
  VerificationIdempotencyProblem: problem,
  VerificationLimitProblem: problem,
  VerificationProviderProblem: problem,
  VerificationUnavailableProblem: problem,
  VerificationNotFoundProblem: problem,
};

// The generated types are stricter than the subgraph's own type.
export const resolverMap = resolvers as GraphQLResolverMap;
