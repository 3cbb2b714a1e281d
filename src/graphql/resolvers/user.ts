import {
  readLatestPassed,
  readUserVerifications,
  type Readers,
} from '../../core/verifications/read-user-verifications.ts';
import { demandRead } from '../../core/verifications/read-verifications.ts';
import type { GraphqlContext } from '../context.ts';
import { badUserInput, readCursor, toCursor } from '../cursor.ts';
import type { UserResolvers } from '../generated.ts';
import { referenceId } from '../reference-id.ts';

const mostAtOnce = 100;

export const user: UserResolvers = {
  // Another subgraph decides whether the user exists, so this is never null.
  __resolveReference: async (reference) => ({ id: referenceId(reference) }),

  verifications: async ({ id }, { first, after }, context) => {
    const { core, caller, deadlineMs } = context;
    demandRead(caller);
    const asked = first ?? 10;
    if (asked < 0 || asked > mostAtOnce) throw badUserInput('first');
    const page = { first: asked, after: after == null ? null : readCursor(after), deadlineMs };
    const found = await readUserVerifications(core, caller, id, page, readersOf(context));
    const edges = found.listed.map(({ entry, verification }) => ({
      cursor: toCursor(entry),
      // If it is an error, graphql-js nulls this node only.
      node: verification as Exclude<typeof verification, Error>,
    }));
    const endCursor = edges.at(-1)?.cursor ?? null;
    return { edges, pageInfo: { hasNextPage: found.hasMore, endCursor } };
  },

  latestPassedVerification: async ({ id }, { checks, maxAgeDays }, context) => {
    const { core, caller, deadlineMs } = context;
    demandRead(caller);
    if (maxAgeDays != null && maxAgeDays < 0) throw badUserInput('maxAgeDays');
    const wanted = { checks: checks ?? [], maxAgeDays: maxAgeDays ?? null, deadlineMs };
    return readLatestPassed(core, caller, id, wanted, readersOf(context));
  },
};

/** Uses the request's own loaders, so that each record and page is read once. */
function readersOf({ loaders }: GraphqlContext): Readers {
  return {
    records: (ids) => loaders.verification.loadMany(ids),
    page: (page) => loaders.listPage.load(page),
  };
}
