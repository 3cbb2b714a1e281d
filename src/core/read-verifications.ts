import { demandScope, mayRead, type Caller } from './caller.ts';
import type { CoreDeps } from './core-deps.ts';
import { decodeRecord, isRecordId, type VerificationRecord } from './records.ts';
import { refreshVerification } from './refresh-verification.ts';

/**
 * Verifications in the order of their ids, as they are now; null where there is none that the
 * caller may see. One trip to the store. Throws `StoreUnavailable`, `AccessDenied`.
 */
export async function readVerifications(
  deps: CoreDeps,
  caller: Caller,
  ids: readonly string[],
  deadlineMs: number,
): Promise<readonly (VerificationRecord | null)[]> {
  const asked = ids.filter((id) => isRecordId('verification', id));
  const stored = asked.length === 0 ? [] : await deps.store.records.get(asked);
  const readable = new Map<string, Promise<VerificationRecord>>();
  for (const found of stored) {
    if (!found || readable.has(found.id)) continue;
    const record = decodeRecord('verification', found);
    // Somebody else's record is not even asked about.
    if (record.startedAtMs === null || !mayRead(caller, record)) continue;
    readable.set(found.id, refreshVerification(deps, found, deadlineMs));
  }
  return Promise.all(ids.map(async (id) => (await readable.get(id)) ?? null));
}

/** The scope that reading needs, apart from owning what is read. */
export function demandRead(caller: Caller): void {
  demandScope(caller, 'verification:read');
}
