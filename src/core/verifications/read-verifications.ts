import { StoreUnavailable, type StoredRecord } from '../../ports/index.ts';
import { demandScope, mayRead, type Caller } from '../callers/caller.ts';
import type { OutcomeDeps } from '../core-deps.ts';
import { decodeRecord, isRecordId, kindOf, type VerificationRecord } from '../records/records.ts';
import { refreshVerification } from './refresh-verification.ts';

/**
 * Verifications in the order of their ids, as they are now; null where there is none that the
 * caller may see, and an error where one cannot be read, which says nothing about the others.
 * One trip to the store. Throws `StoreUnavailable` when that fails.
 */
export async function readVerifications(
  deps: OutcomeDeps,
  caller: Caller,
  ids: readonly string[],
  deadlineMs: number,
): Promise<readonly (VerificationRecord | StoreUnavailable | null)[]> {
  const asked = ids.filter((id) => isRecordId('verification', id));
  const stored = asked.length === 0 ? [] : await deps.store.records.get(asked);
  const readable = new Map<string, Promise<VerificationRecord | StoreUnavailable | null>>();
  for (const found of stored) {
    if (!found || readable.has(found.id)) continue;
    readable.set(found.id, readOne(deps, caller, found, deadlineMs));
  }
  return Promise.all(ids.map(async (id) => (await readable.get(id)) ?? null));
}

async function readOne(
  deps: OutcomeDeps,
  caller: Caller,
  stored: StoredRecord,
  deadlineMs: number,
): Promise<VerificationRecord | StoreUnavailable | null> {
  try {
    // Names a verification that was there already, and is none itself.
    if (kindOf(stored) === 'reused') return null;
    const record = decodeRecord('verification', stored);
    // Somebody else's record is not even asked about.
    if (record.startedAtMs === null || !mayRead(caller, record)) return null;
    return await refreshVerification(deps, stored, deadlineMs);
  } catch (error) {
    if (error instanceof StoreUnavailable) return error;
    throw error;
  }
}

/** The scope that reading needs, apart from owning what is read. */
export function demandRead(caller: Caller): void {
  demandScope(caller, 'verification:read');
}
