import type { UserResolvers } from '../generated.ts';
import { referenceId } from '../reference-id.ts';

export const user: UserResolvers = {
  // Whether the person exists is another subgraph's affair, so this is never null.
  __resolveReference: async (reference) => ({ id: referenceId(reference) }),
};
