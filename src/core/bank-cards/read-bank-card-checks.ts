import { StoreUnavailable, type StoredRecord } from '../../ports/index.ts';
import { mayRead, type Caller } from '../callers/caller.ts';
import type { Storage } from '../core-deps.ts';
import { decodeRecord, isRecordId, type BankCardRecord } from '../records/records.ts';

/**
 * Bank card checks in the order of their ids: null for a check that does not exist or that the caller may not
 * see, and an error for one that cannot be read. One round trip to the store. Throws `StoreUnavailable`.
 */
export async function readBankCardChecks(
  deps: Pick<Storage, 'store'>,
  caller: Caller,
  ids: readonly string[],
): Promise<readonly (BankCardRecord | StoreUnavailable | null)[]> {
  const asked = ids.filter((id) => isRecordId('bank_card', id));
  const stored = asked.length === 0 ? [] : await deps.store.records.get(asked);
  const readable = new Map<string, BankCardRecord | StoreUnavailable | null>();
  for (const found of stored) {
    if (found) readable.set(found.id, readOne(caller, found));
  }
  return ids.map((id) => readable.get(id) ?? null);
}

function readOne(caller: Caller, stored: StoredRecord): BankCardRecord | StoreUnavailable | null {
  try {
    const record = decodeRecord('bank_card', stored);
    return record.checkedAtMs !== null && mayRead(caller, record) ? record : null;
  } catch (error) {
    if (error instanceof StoreUnavailable) return error;
    throw error;
  }
}
