import { mayRead, type Caller } from './caller.ts';
import type { CoreDeps } from './core-deps.ts';
import { decodeRecord, isRecordId, type BankCardRecord } from './records.ts';

/**
 * Bank card checks in the order of their ids; null where there is none that the caller may see.
 * One trip to the store. Throws `StoreUnavailable`.
 */
export async function readBankCardChecks(
  deps: Pick<CoreDeps, 'store'>,
  caller: Caller,
  ids: readonly string[],
): Promise<readonly (BankCardRecord | null)[]> {
  const asked = ids.filter((id) => isRecordId('bank_card', id));
  const stored = asked.length === 0 ? [] : await deps.store.records.get(asked);
  const readable = new Map<string, BankCardRecord>();
  for (const found of stored) {
    if (!found) continue;
    const record = decodeRecord('bank_card', found);
    if (record.checkedAtMs !== null && mayRead(caller, record)) readable.set(record.id, record);
  }
  return ids.map((id) => readable.get(id) ?? null);
}
