import type { VerificationRecord } from '../../core/records/records.ts';
import { watchEnd } from '../../core/verifications/watch-end.ts';
import type { SubscriptionResolvers } from '../generated.ts';

export const subscription: SubscriptionResolvers = {
  verificationEnded: {
    // graphql-js passes on what the source yields as the parent of `resolve`.
    subscribe: (_root, { id }, { core, caller }) => watchEnd(core, caller, id) as never,
    resolve: (ended: VerificationRecord | null) => ended,
  },
};
