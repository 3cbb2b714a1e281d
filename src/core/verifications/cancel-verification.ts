import { StoreUnavailable, type StoredRecord } from '../../ports/index.ts';
import { demandScope, mayLaunch, type Caller } from '../callers/caller.ts';
import type { OutcomeDeps } from '../core-deps.ts';
import { problem, type Problem } from '../problem.ts';
import { decodeRecord, isRecordId, kindOf, type VerificationRecord } from '../records/records.ts';
import { cancelledVerification } from './conclude-verification.ts';
import { refreshVerification } from './refresh-verification.ts';
import { writeVerification } from './write-verification.ts';

export type CancelVerificationOutcome =
  | { readonly kind: 'success'; readonly verification: VerificationRecord }
  | { readonly kind: 'problem'; readonly problem: Problem };

/** How often another request may write the record in between. */
const mostTries = 5;

/**
 * Ends a pending verification, so that its user can start a new one. The provider is asked first: an outcome that it
 * already has counts. If it does not answer, the verification is cancelled. An outcome that comes later is kept in the
 * ledger and changes nothing else. Safe to repeat. Throws `AccessDenied`.
 */
export async function cancelVerification(
  deps: OutcomeDeps,
  caller: Caller,
  id: string,
  deadlineMs: number,
): Promise<CancelVerificationOutcome> {
  demandScope(caller, 'verification:start');
  const notFound = { kind: 'problem', problem: problem('NOT_FOUND') } as const;
  if (!isRecordId('verification', id)) return notFound;
  try {
    const stored = await readOwn(deps, caller, id);
    if (!stored) return notFound;
    const isPending = decodeRecord('verification', stored).status === 'PENDING';
    if (isPending) await refreshVerification(deps, stored, deadlineMs, 'cancelling');
    for (let tries = 0; tries < mostTries; tries++) {
      const current = await readOwn(deps, caller, id);
      if (!current) return notFound;
      const record = decodeRecord('verification', current);
      if (record.status !== 'PENDING') return { kind: 'success', verification: record };
      const cancelled = cancelledVerification(record, deps.now());
      const written = await writeVerification(deps, current, cancelled, {
        callerId: caller.userId,
      });
      if (!written) continue;
      // Best effort: an ended verification is not handed out again anyway.
      await deps.store.cache.remove(record.cacheKeys).catch(() => {});
      return { kind: 'success', verification: written };
    }
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
  }
  return { kind: 'problem', problem: problem('STORE_UNAVAILABLE') };
}

/** The verification, if the caller started it or is its user. */
async function readOwn(
  { store }: OutcomeDeps,
  caller: Caller,
  id: string,
): Promise<StoredRecord | null> {
  const [stored] = await store.records.get([id]);
  if (!stored || kindOf(stored) !== 'verification') return null;
  const record = decodeRecord('verification', stored);
  return record.startedAtMs !== null && mayLaunch(caller, record) ? stored : null;
}
