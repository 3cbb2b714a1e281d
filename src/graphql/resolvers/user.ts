import type { UserResolvers } from '../generated.ts';

export const user: UserResolvers = {
  // Whether the person exists is another subgraph's affair, so this is never null.
  __resolveReference: async ({ id }) => ({ id }),
};
