import type { CheckKind } from '../../contract/index.ts';
import { StoreUnavailable, type ListEntry } from '../../ports/index.ts';
import { mayList, type Caller } from '../callers/caller.ts';
import type { Clock, KeySpace, Storage } from '../core-deps.ts';
import { isRecordId, type VerificationRecord } from '../records/records.ts';
import { userPasses, userRecords } from '../records/user-records.ts';
import { passedAtMs } from './write-verification.ts';

/** Like `readVerifications`: in the order of the ids. */
export type ReadVerifications = (
  ids: readonly string[],
) => Promise<readonly (VerificationRecord | StoreUnavailable | Error | null)[]>;

/** A page of a user's list: the entries after `after`, or the first page. */
export interface ListPage {
  readonly list: 'verifications' | 'passes';
  readonly userId: string;
  readonly after: ListEntry | null;
}

/** How lists and records are read. An implementation may cache within one request. */
export interface Readers {
  readonly records: ReadVerifications;
  readonly page: (page: ListPage) => Promise<readonly ListEntry[]>;
}

export interface ListedVerification {
  readonly entry: ListEntry;
  /** An error if this one cannot be read. The others are not affected. */
  readonly verification: VerificationRecord | Error;
}

export interface VerificationPage {
  readonly listed: readonly ListedVerification[];
  readonly hasMore: boolean;
}

const pageSize = 100;
/** A pending one may have passed since the last poll. Follow-ups poll the older ones. */
const mostPolled = 20;
const dayMs = 24 * 3600 * 1000;

/**
 * A user's verifications that the caller may see, newest first. Throws `StoreUnavailable`.
 */
export async function readUserVerifications(
  deps: Clock,
  caller: Caller,
  userId: string,
  asked: {
    readonly first: number;
    readonly after: ListEntry | null;
    readonly deadlineMs: number;
  },
  readers: Readers,
): Promise<VerificationPage> {
  const { first, after, deadlineMs } = asked;
  if (first === 0 || !mayList(caller, userId)) return { listed: [], hasMore: false };
  const listed: ListedVerification[] = [];
  const terms = { userId, after, deadlineMs, atOnce: first + 1, readers };
  for await (const found of walk(deps, terms)) {
    listed.push(found);
    if (listed.length > first) break;
  }
  return { listed: listed.slice(0, first), hasMore: listed.length > first };
}

/**
 * The latest verification that a user passed and that attests all of `checks`, if it is young enough. If none
 * is found and one could not be read, it throws the error of that one, because null would mean "never passed".
 * Throws `StoreUnavailable`.
 *
 * Reads the index of passes, and polls the newest verifications that are pending.
 */
export async function readLatestPassed(
  deps: Clock,
  caller: Caller,
  userId: string,
  wanted: {
    readonly checks: readonly CheckKind[];
    readonly maxAgeDays: number | null;
    readonly deadlineMs: number;
  },
  readers: Readers,
): Promise<VerificationRecord | null> {
  if (!mayList(caller, userId)) return null;
  const { maxAgeDays, checks, deadlineMs } = wanted;
  const oldestMs = maxAgeDays === null ? -Infinity : deps.now() - maxAgeDays * dayMs;
  const isFit = (each: VerificationRecord): boolean =>
    each.status === 'PASSED' &&
    each.redactedAtMs === null &&
    checks.every((check) => each.checks.includes(check)) &&
    passedAtMs(each) >= oldestMs;

  const [newest, firstPasses] = await Promise.all([
    readers.page({ userId, list: 'verifications', after: null }),
    readers.page({ userId, list: 'passes', after: null }),
  ]);
  const recent = await readAll(readers, newest.slice(0, mostPolled));
  let latest = latestOf(recent.records.filter(isFit));
  let unreadable = recent.unreadable;
  for (let page = firstPasses; page.length > 0;) {
    if (deps.now() >= deadlineMs) throw new StoreUnavailable();
    const passes = await readAll(readers, page);
    unreadable ??= passes.unreadable;
    latest = latestOf([...passes.records.filter(isFit), ...(latest ? [latest] : [])]);
    const last = page.at(-1);
    // The index is in the order of passing, so the next page holds none that passed later.
    if (latest || page.length < pageSize || !last || last.atMs < oldestMs) break;
    page = await readers.page({ userId, list: 'passes', after: last });
  }
  if (!latest && unreadable) throw unreadable;
  return latest;
}

async function readAll(
  readers: Readers,
  entries: readonly ListEntry[],
): Promise<{
  readonly records: readonly VerificationRecord[];
  readonly unreadable: Error | null;
}> {
  const read = await readers.records(
    entries.filter(({ id }) => isRecordId('verification', id)).map(({ id }) => id),
  );
  return {
    records: read.flatMap((each) => (each === null || each instanceof Error ? [] : [each])),
    unreadable: read.find((each) => each instanceof Error) ?? null,
  };
}

function latestOf(records: readonly VerificationRecord[]): VerificationRecord | null {
  return records.toSorted((a, b) => passedAtMs(b) - passedAtMs(a)).at(0) ?? null;
}

/** A page as it is in the store. Throws `StoreUnavailable`. */
export function readListPage(
  deps: KeySpace & Storage,
  { tenantId }: Caller,
  { userId, list, after }: ListPage,
): Promise<readonly ListEntry[]> {
  const owner = { tenantId, userId };
  const entries =
    list === 'passes' ? userPasses(deps, owner) : userRecords(deps, owner, 'verification');
  return entries.page(after, pageSize);
}

/** Yields what the caller may see. Reads the list in pages, and `atOnce` records at a time. */
async function* walk(
  { now }: Clock,
  terms: {
    readonly userId: string;
    readonly after: ListEntry | null;
    readonly deadlineMs: number;
    readonly atOnce: number;
    readonly readers: Readers;
  },
): AsyncGenerator<ListedVerification> {
  const { userId, deadlineMs, atOnce, readers } = terms;
  for (let { after } = terms; ;) {
    const page = await readers.page({ userId, list: 'verifications', after });
    const entries = page.filter(({ id }) => isRecordId('verification', id));
    for (let from = 0; from < entries.length; from += atOnce) {
      if (now() >= deadlineMs) throw new StoreUnavailable();
      const some = entries.slice(from, from + atOnce);
      const found = await readers.records(some.map(({ id }) => id));
      for (const [at, entry] of some.entries()) {
        const verification = found[at];
        if (verification) yield { entry, verification };
      }
    }
    if (page.length < pageSize) return;
    after = page.at(-1) ?? null;
  }
}
