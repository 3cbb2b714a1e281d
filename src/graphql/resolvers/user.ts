import { isRecordId } from '../../core/records/records.ts';
import { readUserList, type ListReaders } from '../../core/records/read-user-list.ts';
import {
  readLatestPassed,
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
    const { loaders } = context;
    return connectionOf(
      context,
      id,
      { first, after },
      {
        records: (ids) => loaders.verification.loadMany(ids),
        page: (from) => loaders.listPage.load({ userId: id, list: 'verifications', after: from }),
        isId: (each) => isRecordId('verification', each),
      },
    );
  },

  bankCardChecks: async ({ id }, { first, after }, context) => {
    const { loaders } = context;
    return connectionOf(
      context,
      id,
      { first, after },
      {
        records: (ids) => loaders.bankCardCheck.loadMany(ids),
        page: (from) => loaders.listPage.load({ userId: id, list: 'checks', after: from }),
        isId: (each) => isRecordId('bank_card', each),
      },
    );
  },

  latestPassedVerification: async ({ id }, { checks, maxAgeDays }, context) => {
    const { core, caller, deadlineMs } = context;
    demandRead(caller);
    if (maxAgeDays != null && maxAgeDays < 0) {
      throw badUserInput('maxAgeDays', 'must not be below 0');
    }
    // Whatever is older is gone, and null would mean that there was none.
    const { retentionDays } = core.tenants.rulesOf(caller.tenantId);
    if (maxAgeDays != null && maxAgeDays > retentionDays) {
      throw badUserInput(
        'maxAgeDays',
        `must not be above ${retentionDays}: older ones are not kept`,
      );
    }
    const wanted = { checks: checks ?? [], maxAgeDays: maxAgeDays ?? null, deadlineMs };
    return readLatestPassed(core, caller, id, wanted, readersOf(context));
  },
};

interface PageArguments {
  readonly first: number | null | undefined;
  readonly after: string | null | undefined;
}

async function connectionOf<Item>(
  { core, caller, deadlineMs }: GraphqlContext,
  userId: string,
  { first, after }: PageArguments,
  readers: ListReaders<Item>,
) {
  demandRead(caller);
  const asked = first ?? 10;
  if (asked < 0 || asked > mostAtOnce) {
    throw badUserInput('first', `must be from 0 to ${mostAtOnce}`);
  }
  const page = { first: asked, after: after == null ? null : readCursor(after), deadlineMs };
  const found = await readUserList(core, caller, userId, page, readers);
  const edges = found.listed.map(({ entry, item }) => ({
    cursor: toCursor(entry),
    // If it is an error, graphql-js nulls this node only.
    node: item as Exclude<typeof item, Error>,
  }));
  const endCursor = edges.at(-1)?.cursor ?? null;
  return { edges, pageInfo: { hasNextPage: found.hasMore, endCursor } };
}

/** Uses the request's own loaders, so that each record and page is read once. */
function readersOf({ loaders }: GraphqlContext): Readers {
  return {
    records: (ids) => loaders.verification.loadMany(ids),
    page: (page) => loaders.listPage.load(page),
  };
}
