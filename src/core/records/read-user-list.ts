import { StoreUnavailable, type ListEntry } from '../../ports/index.ts';
import { mayList, type Caller } from '../callers/caller.ts';
import type { Clock } from '../core-deps.ts';

/** How a list and its records are read. An implementation may cache within one request. */
export interface ListReaders<Item> {
  /** In the order of the ids: null for one that the caller may not see, an error for one that cannot be read. */
  readonly records: (ids: readonly string[]) => Promise<readonly (Item | Error | null)[]>;
  readonly page: (after: ListEntry | null) => Promise<readonly ListEntry[]>;
  /** Whether an id is one of this list. Others need no look-up. */
  readonly isId: (id: string) => boolean;
}

export interface Listed<Item> {
  readonly entry: ListEntry;
  /** An error if this one cannot be read. The others are not affected. */
  readonly item: Item | Error;
}

export interface UserListPage<Item> {
  readonly listed: readonly Listed<Item>[];
  readonly hasMore: boolean;
}

/** How many entries the store returns at a time. */
export const pageSize = 100;

/** The entries of a user's list that the caller may see, newest first. Throws `StoreUnavailable`. */
export async function readUserList<Item>(
  deps: Clock,
  caller: Caller,
  userId: string,
  asked: {
    readonly first: number;
    readonly after: ListEntry | null;
    readonly deadlineMs: number;
  },
  readers: ListReaders<Item>,
): Promise<UserListPage<Item>> {
  const { first, after, deadlineMs } = asked;
  if (first === 0 || !mayList(caller, userId)) return { listed: [], hasMore: false };
  const listed: Listed<Item>[] = [];
  for await (const found of walk(deps, { after, deadlineMs, atOnce: first + 1, readers })) {
    listed.push(found);
    if (listed.length > first) break;
  }
  return { listed: listed.slice(0, first), hasMore: listed.length > first };
}

/** Yields what the caller may see. Reads the list in pages, and `atOnce` records at a time. */
async function* walk<Item>(
  { now }: Clock,
  terms: {
    readonly after: ListEntry | null;
    readonly deadlineMs: number;
    readonly atOnce: number;
    readonly readers: ListReaders<Item>;
  },
): AsyncGenerator<Listed<Item>> {
  const { deadlineMs, atOnce, readers } = terms;
  for (let { after } = terms; ;) {
    const page = await readers.page(after);
    const entries = page.filter(({ id }) => readers.isId(id));
    for (let from = 0; from < entries.length; from += atOnce) {
      if (now() >= deadlineMs) throw new StoreUnavailable();
      const some = entries.slice(from, from + atOnce);
      const found = await readers.records(some.map(({ id }) => id));
      for (const [at, entry] of some.entries()) {
        const item = found[at];
        if (item) yield { entry, item };
      }
    }
    if (page.length < pageSize) return;
    after = page.at(-1) ?? null;
  }
}
