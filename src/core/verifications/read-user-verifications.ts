import type { CheckKind } from '../../contract/index.ts';
import { StoreUnavailable, type ListEntry } from '../../ports/index.ts';
import { mayList, type Caller } from '../callers/caller.ts';
import type { Clock, KeySpace, Storage } from '../core-deps.ts';
import { isRecordId, type VerificationRecord } from '../records/records.ts';
import { userRecords } from '../records/user-records.ts';

/** Like `readVerifications`: in the order of the ids. */
export type ReadVerifications = (
  ids: readonly string[],
) => Promise<readonly (VerificationRecord | StoreUnavailable | Error | null)[]>;

/** A page of a user's list: the entries after `after`, or the first page. */
export interface ListPage {
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
  let latest: VerificationRecord | null = null;
  let unreadable: Error | null = null;
  const terms = { userId, after: null, deadlineMs, atOnce: pageSize, readers };
  for await (const { verification } of walk(deps, terms)) {
    if (verification instanceof Error) {
      unreadable ??= verification;
      continue;
    }
    const isFit =
      verification.status === 'PASSED' &&
      checks.every((check) => verification.checks.includes(check)) &&
      passedAtMs(verification) >= oldestMs;
    if (isFit && (!latest || passedAtMs(verification) > passedAtMs(latest))) latest = verification;
    // A verification ends within 7 days of its creation, so older ones cannot have been passed after `latest`.
    if (latest && verification.createdAtMs < passedAtMs(latest) - 7 * dayMs) break;
  }
  if (!latest && unreadable) throw unreadable;
  return latest;
}

/** A page as it is in the store. Throws `StoreUnavailable`. */
export function readListPage(
  deps: KeySpace & Storage,
  { tenantId }: Caller,
  { userId, after }: ListPage,
): Promise<readonly ListEntry[]> {
  return userRecords(deps, { tenantId, userId }, 'verification').page(after, pageSize);
}

/** The time of the provider, but not later than core learnt of it, because its clock may be ahead. */
function passedAtMs({ outcome, lastCheckedAtMs, createdAtMs }: VerificationRecord): number {
  const heardMs = lastCheckedAtMs ?? createdAtMs;
  return Math.min(outcome?.completedAtMs ?? heardMs, heardMs);
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
    const page = await readers.page({ userId, after });
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
