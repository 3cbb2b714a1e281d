import { StoreUnavailable, type ListEntry, type StoredRecord } from '../../ports/index.ts';
import { demandScope, resolveUserId, type Caller } from '../callers/caller.ts';
import type { RecordDeps } from '../core-deps.ts';
import { problem, type Problem } from '../problem.ts';
import { redact, type Redacted } from './redact.ts';
import { userRecords, type UserRecords } from '../records/user-records.ts';

export type RedactUserDataOutcome =
  | { readonly kind: 'success'; readonly verifications: number; readonly checks: number }
  | { readonly kind: 'problem'; readonly problem: Problem };

const pageSize = 100;

/**
 * Destroys what is known about a user of the caller's tenant. Repeating is harmless, and finishes
 * what was cut off, or took longer than the caller waits. Throws `AccessDenied`.
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
  const redactAll = (kind: 'verification' | 'bank_card') =>
    redactListed(deps, userRecords(deps, owner, kind), deadlineMs);
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
 * Until nothing is left: from the top again each time, so that what came meanwhile is met as well. One
 * that cannot be redacted now stays listed, and keeps nobody from the others.
 */
async function redactListed(
  deps: RecordDeps,
  list: UserRecords,
  deadlineMs: number,
): Promise<number> {
  let count = 0;
  let lastFailed: ListEntry | null = null;
  for (;;) {
    const page: readonly ListEntry[] = await list.page(lastFailed, pageSize);
    if (page.length === 0) break;
    if (deps.now() >= deadlineMs) throw new StoreUnavailable();
    const stored = await deps.store.records.get(page.map(({ id }) => id));
    const ended = await Promise.allSettled(stored.map((each) => redactOne(deps, each)));
    for (const each of ended) if (each.status === 'fulfilled' && each.value?.isNew) count += 1;
    const isDone = (_entry: ListEntry, at: number): boolean => ended[at]?.status === 'fulfilled';
    // Only when they are done: what is cut off here is found by the next one.
    await list.remove(page.filter(isDone).map(({ id }) => id));
    lastFailed = page.findLast((entry, at) => !isDone(entry, at)) ?? lastFailed;
  }
  if (lastFailed) throw new StoreUnavailable();
  return count;
}

async function redactOne(deps: RecordDeps, stored: StoredRecord | null): Promise<Redacted> {
  return stored && redact(deps, stored);
}
