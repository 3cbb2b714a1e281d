import { StoreUnavailable, type ListEntry } from '../../ports/index.ts';
import { demandScope, resolveUserId, type Caller } from '../callers/caller.ts';
import type { RecordDeps } from '../core-deps.ts';
import { problem, type Problem } from '../problem.ts';
import { redact } from './redact.ts';
import { userPasses, userRecords, type UserRecords } from '../records/user-records.ts';

export type RedactUserDataOutcome =
  | { readonly kind: 'success'; readonly verifications: number; readonly checks: number }
  | { readonly kind: 'problem'; readonly problem: Problem };

const pageSize = 100;
/**
 * A start lists its record in the round trip that writes it. In a cluster the entry may be there first, so an entry
 * without a record stays listed as long as a clock of another replica may be wrong.
 */
const unwrittenForMs = 60_000;

/**
 * Destroys the personal data of a user of the caller's tenant. It may be repeated, and then finishes what a
 * crash or the caller's deadline left undone. Throws `AccessDenied`.
 */
export async function redactUserData(
  deps: RecordDeps,
  caller: Caller,
  askedUserId: string,
  deadlineMs: number,
): Promise<RedactUserDataOutcome> {
  demandScope(caller, 'verification:redact');
  const userId = resolveUserId(caller, askedUserId);
  const owner = { tenantId: caller.tenantId, userId };
  const redactAll = (kind: 'verification' | 'bank_card') => {
    const passes = kind === 'verification' ? userPasses(deps, owner) : null;
    const listed = { list: userRecords(deps, owner, kind), passes };
    return redactListed(deps, caller, listed, deadlineMs);
  };
  try {
    const verifications = await redactAll('verification');
    const checks = await redactAll('bank_card');
    return { kind: 'success', verifications, checks };
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    return { kind: 'problem', problem: problem('STORE_UNAVAILABLE') };
  }
}

/**
 * Redacts until the list is empty. Each round starts at the top, to include records that were added meanwhile.
 * A record that cannot be redacted now, or is not written yet, stays listed, and the rounds after it start behind it.
 */
async function redactListed(
  deps: RecordDeps,
  { userId: callerId }: Caller,
  { list, passes }: { readonly list: UserRecords; readonly passes: UserRecords | null },
  deadlineMs: number,
): Promise<number> {
  let count = 0;
  let lastKept: ListEntry | null = null;
  let hasFailed = false;
  for (;;) {
    const page: readonly ListEntry[] = await list.page(lastKept, pageSize);
    if (page.length === 0) break;
    if (deps.now() >= deadlineMs) throw new StoreUnavailable();
    const stored = await deps.store.records.get(page.map(({ id }) => id));
    const ended = await Promise.allSettled(
      stored.map(async (each) => (each ? redact(deps, each, callerId) : null)),
    );
    for (const each of ended) if (each.status === 'fulfilled' && each.value?.isNew) count += 1;
    hasFailed ||= ended.some(({ status }) => status === 'rejected');
    const isDone = ({ atMs }: ListEntry, at: number): boolean =>
      ended[at]?.status === 'fulfilled' &&
      (stored[at] !== null || deps.now() - atMs > unwrittenForMs);
    // Removed from the list only after redaction, so that a repetition finds what a crash left undone.
    const done = page.filter(isDone).map(({ id }) => id);
    await passes?.remove(done);
    await list.remove(done);
    lastKept = page.findLast((entry, at) => !isDone(entry, at)) ?? lastKept;
  }
  if (hasFailed) throw new StoreUnavailable();
  return count;
}
