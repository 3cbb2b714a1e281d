import type { CheckKind } from '../../contract/index.ts';
import { StoreUnavailable, type ListEntry } from '../../ports/index.ts';
import { mayList, type Caller } from '../callers/caller.ts';
import type { Clock, KeySpace, Storage, Tenancy } from '../core-deps.ts';
import { pageSize } from '../records/read-user-list.ts';
import { isRecordId, type VerificationRecord } from '../records/records.ts';
import { userPasses, userRecords } from '../records/user-records.ts';
import { passedAtMs } from './write-verification.ts';

/** Like `readVerifications`: in the order of the ids. */
export type ReadVerifications = (
  ids: readonly string[],
) => Promise<readonly (VerificationRecord | StoreUnavailable | Error | null)[]>;

/** A page of a user's list: the entries after `after`, or the first page. */
export interface ListPage {
  readonly list: 'verifications' | 'checks' | 'passes';
  readonly userId: string;
  readonly after: ListEntry | null;
}

/** How lists and records are read. An implementation may cache within one request. */
export interface Readers {
  readonly records: ReadVerifications;
  readonly page: (page: ListPage) => Promise<readonly ListEntry[]>;
}

/** A pending one may have passed since the last poll. Follow-ups poll the older ones. */
const mostPolled = 20;
const dayMs = 24 * 3600 * 1000;

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
  deps: KeySpace & Storage & Tenancy,
  { tenantId }: Caller,
  { userId, list, after }: ListPage,
): Promise<readonly ListEntry[]> {
  const owner = { tenantId, userId };
  const lists = {
    verifications: () => userRecords(deps, owner, 'verification'),
    checks: () => userRecords(deps, owner, 'bank_card'),
    passes: () => userPasses(deps, owner),
  };
  return lists[list]().page(after, pageSize);
}
