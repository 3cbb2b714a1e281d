import type { CheckKind, ListEntry, StoreUnavailable } from '../contract/index.ts';
import type { Caller } from './caller.ts';
import type { CoreDeps } from './core-deps.ts';
import { isRecordId, type VerificationRecord } from './records.ts';
import { userRecords } from './user-records.ts';

/** As `readVerifications`, in the order of the ids. */
export type ReadVerifications = (
  ids: readonly string[],
) => Promise<readonly (VerificationRecord | StoreUnavailable | Error | null)[]>;

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
  deps: CoreDeps,
  caller: Caller,
  userId: string,
  asked: { readonly first: number; readonly after: ListEntry | null },
  read: ReadVerifications,
): Promise<VerificationPage> {
  const listed: ListedVerification[] = [];
  for await (const found of walk(deps, caller, userId, asked.after, asked.first + 1, read)) {
    listed.push(found);
    if (listed.length > asked.first) break;
  }
  return { listed: listed.slice(0, asked.first), hasMore: listed.length > asked.first };
}

/**
 * The newest verification that a user passed and that attests all of `checks`, if it is young enough.
 * Throws `StoreUnavailable`, and never answers null where one could not be read.
 */
export async function readLatestPassed(
  deps: CoreDeps,
  caller: Caller,
  userId: string,
  wanted: { readonly checks: readonly CheckKind[]; readonly maxAgeDays: number | null },
  read: ReadVerifications,
): Promise<VerificationRecord | null> {
  const { maxAgeDays, checks } = wanted;
  const oldestMs = maxAgeDays === null ? -Infinity : deps.now() - maxAgeDays * dayMs;
  let latest: VerificationRecord | null = null;
  let unreadable: Error | null = null;
  for await (const { verification } of walk(deps, caller, userId, null, pageSize, read)) {
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

function passedAtMs({ outcome, lastCheckedAtMs, createdAtMs }: VerificationRecord): number {
  return outcome?.completedAtMs ?? lastCheckedAtMs ?? createdAtMs;
}

/** Those that the caller may see, page by page. */
async function* walk(
  deps: CoreDeps,
  { tenantId }: Caller,
  userId: string,
  from: ListEntry | null,
  atOnce: number,
  read: ReadVerifications,
): AsyncGenerator<ListedVerification> {
  const list = userRecords(deps, { tenantId, userId });
  const most = Math.min(pageSize, atOnce);
  for (let after = from; ;) {
    const page = await list.page(after, most);
    const entries = page.filter(({ id }) => isRecordId('verification', id));
    const found = await read(entries.map(({ id }) => id));
    for (const [at, entry] of entries.entries()) {
      const verification = found[at];
      if (verification) yield { entry, verification };
    }
    if (page.length < most) return;
    after = page.at(-1) ?? null;
  }
}
