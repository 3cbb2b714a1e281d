import { StoreUnavailable, type StoredRecord } from '../../ports/index.ts';
import { demandScope, mayRead, type Caller } from '../callers/caller.ts';
import type { OutcomeDeps } from '../core-deps.ts';
import {
  decodeRecord,
  isRecordId,
  kindOf,
  knowDecoded,
  type VerificationRecord,
} from '../records/records.ts';
import { refreshVerification } from './refresh-verification.ts';

/**
 * Verifications in the order of their ids, refreshed: null for one that does not exist or that the caller may
 * not see, and an error for one that cannot be read. Reads the store once for all of them. Throws
 * `StoreUnavailable` if that fails.
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
    readable.set(found.id, readVerification(deps, caller, found, deadlineMs));
  }
  return Promise.all(ids.map(async (id) => (await readable.get(id)) ?? null));
}

/** One of them, as it was read from the store. Throws nothing but bugs. */
export async function readVerification(
  deps: OutcomeDeps,
  caller: Caller,
  stored: StoredRecord,
  deadlineMs: number,
): Promise<VerificationRecord | StoreUnavailable | null> {
  try {
    const known = deps.opened.find(stored);
    // What the caller may not see is opened again, because it has to take as long as what does not exist. A `reused`
    // record only refers to another verification.
    if (known && mayRead(caller, known)) knowDecoded(stored, known);
    else if (kindOf(stored) === 'reused') return null;
    const record = decodeRecord('verification', stored);
    // A record that the caller may not see is not polled either.
    if (record.startedAtMs === null || !mayRead(caller, record)) return null;
    if (!known) deps.opened.remember(stored, record);
    return await refreshVerification(deps, stored, deadlineMs);
  } catch (error) {
    if (error instanceof StoreUnavailable) return error;
    throw error;
  }
}

/** Demands the scope for reading. `mayRead` decides about each record. */
export function demandRead(caller: Caller): void {
  demandScope(caller, 'verification:read');
}
