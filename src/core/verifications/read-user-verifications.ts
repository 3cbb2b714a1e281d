import type { CheckKind } from '../../contract/index.ts';
import { StoreUnavailable, type ListEntry } from '../../ports/index.ts';
import { mayList, type Caller } from '../callers/caller.ts';
import type { Clock, KeySpace, Storage } from '../core-deps.ts';
import { isRecordId, type VerificationRecord } from '../records/records.ts';
import { userRecords } from '../records/user-records.ts';

/** As `readVerifications`, in the order of the ids. */
export type ReadVerifications = (
  ids: readonly string[],
) => Promise<readonly (VerificationRecord | StoreUnavailable | Error | null)[]>;

/** A page of a user's list: what comes after an entry, or the beginning. */
export interface ListPage {
  readonly userId: string;
  readonly after: ListEntry | null;
}

/** How lists and records are read; who asks several times may remember. */
export interface Readers {
  readonly records: ReadVerifications;
  readonly page: (page: ListPage) => Promise<readonly ListEntry[]>;
}

export interface ListedVerification {
  readonly entry: ListEntry;
  /** An error where it cannot be read: that says nothing about the others. */
  readonly verification: VerificationRecord | Error;
}

export interface VerificationPage {
  readonly listed: readonly ListedVerification[];
  readonly hasMore: boolean;
}

const pageSize = 100;
const dayMs = 24 * 3600 * 1000;

/**
 * A user's verifications, the newest first, as far as the caller may see them. Throws
 * `StoreUnavailable`.
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
 * The newest verification that a user passed and that attests all of `checks`, if it is young enough.
 * Throws `StoreUnavailable`, and never answers null where one could not be read.
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
    // What began before this one was passed, and ended later, is none the wiser.
    if (latest && verification.createdAtMs < passedAtMs(latest) - 7 * dayMs) break;
  }
  if (!latest && unreadable) throw unreadable;
  return latest;
}

/** As it is in the store. Throws `StoreUnavailable`. */
export function readListPage(
  deps: KeySpace & Storage,
  { tenantId }: Caller,
  { userId, after }: ListPage,
): Promise<readonly ListEntry[]> {
  return userRecords(deps, { tenantId, userId }, 'verification').page(after, pageSize);
}

/** Not later than we heard of it, whatever the provider's clock says. */
function passedAtMs({ outcome, lastCheckedAtMs, createdAtMs }: VerificationRecord): number {
  const heardMs = lastCheckedAtMs ?? createdAtMs;
  return Math.min(outcome?.completedAtMs ?? heardMs, heardMs);
}

/** Those that the caller may see: lists are read by the page, records as many as are wanted at once. */
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
