import { readLatestPassed, readUserVerifications } from '../../core/read-user-verifications.ts';
import { demandRead } from '../../core/read-verifications.ts';
import type { GraphqlContext } from '../context.ts';
import { badUserInput, readCursor, toCursor } from '../cursor.ts';
import type { UserResolvers } from '../generated.ts';
import { referenceId } from '../reference-id.ts';

const mostAtOnce = 100;

export const user: UserResolvers = {
  // Whether the person exists is another subgraph's affair, so this is never null.
  __resolveReference: async (reference) => ({ id: referenceId(reference) }),

  verifications: async ({ id }, { first, after }, context) => {
    const { core, caller, deadlineMs, spend } = context;
    demandRead(caller);
    const asked = first ?? 10;
    if (asked < 0 || asked > mostAtOnce) throw badUserInput('first');
    spend('listed', asked);
    const page = { first: asked, after: after == null ? null : readCursor(after), deadlineMs };
    const found = await readUserVerifications(core, caller, id, page, readBy(context));
    const edges = found.listed.map(({ entry, verification }) => ({
      cursor: toCursor(entry),
      // graphql-js nulls this node alone where it is an error.
      node: verification as Exclude<typeof verification, Error>,
    }));
    const endCursor = edges.at(-1)?.cursor ?? null;
    return { edges, pageInfo: { hasNextPage: found.hasMore, endCursor } };
  },

  latestPassedVerification: async ({ id }, { checks, maxAgeDays }, context) => {
    const { core, caller, deadlineMs, spend } = context;
    demandRead(caller);
    spend('listed', 1);
    if (maxAgeDays != null && maxAgeDays < 0) throw badUserInput('maxAgeDays');
    const wanted = { checks: checks ?? [], maxAgeDays: maxAgeDays ?? null, deadlineMs };
    return readLatestPassed(core, caller, id, wanted, readBy(context));
  },
};

/** Through the request's own loader: what is asked for twice is read once. */
function readBy({ loaders }: GraphqlContext) {
  return (ids: readonly string[]) => loaders.verification.loadMany(ids);
}
