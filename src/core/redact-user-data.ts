import { StoreUnavailable, type ListEntry } from '../contract/index.ts';
import { demandScope, resolveUserId, type Caller } from './caller.ts';
import type { CoreDeps } from './core-deps.ts';
import { problem, type Problem } from './problem.ts';
import { redact } from './redact.ts';
import { userRecords } from './user-records.ts';

export type RedactUserDataOutcome =
  | { readonly kind: 'success'; readonly verifications: number; readonly checks: number }
  | { readonly kind: 'problem'; readonly problem: Problem };

const pageSize = 100;

/**
 * Destroys what is known about a user of the caller's tenant. Repeating is harmless, and finishes
 * what was cut off. Throws `AccessDenied`.
 */
export async function redactUserData(
  deps: CoreDeps,
  caller: Caller,
  askedUserId: string,
): Promise<RedactUserDataOutcome> {
  demandScope(caller, 'verification:redact');
  const userId = resolveUserId(caller, askedUserId);
  const list = userRecords(deps, { tenantId: caller.tenantId, userId });
  const counts = { verifications: 0, checks: 0 };
  try {
    for (let after: ListEntry | null = null; ;) {
      const page: readonly ListEntry[] = await list.page(after, pageSize);
      const ids = page.map(({ id }) => id);
      const stored = await deps.store.records.get(ids);
      const found = stored.filter((each) => each !== null);
      const redacted = await Promise.all(found.map((each) => redact(deps, each)));
      for (const done of redacted) {
        if (!done.isNew) continue;
        if (done.record?.kind === 'verification') counts.verifications += 1;
        if (done.record?.kind === 'bank_card') counts.checks += 1;
      }
      // Only when they are done: what is cut off here is found by the next one.
      await list.remove(ids);
      if (page.length < pageSize) return { kind: 'success', ...counts };
      after = page.at(-1) ?? null;
    }
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    return { kind: 'problem', problem: problem('STORE_UNAVAILABLE') };
  }
}
