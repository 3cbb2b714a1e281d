import type { StoredRecord } from '../contract/index.ts';
import type { CoreDeps } from './core-deps.ts';
import { earlyNotifications } from './early-notifications.ts';
import { redactBankCardRecord, redactVerificationRecord } from './redact-record.ts';
import { decodeRecord, encodeRecord, kindOf, lifeOf, type AnyRecord } from './records.ts';

/**
 * Destroys what a record says about a person, and everything that was kept under its name. What is
 * written later by somebody who read it before does not fit its version any more.
 *
 * The record as it is now; null when it is gone. Throws `StoreUnavailable`: repeating is harmless.
 */
export async function redact(deps: CoreDeps, stored: StoredRecord): Promise<AnyRecord | null> {
  const { store } = deps;
  for (let current: StoredRecord | null | undefined = stored; current;) {
    const kind = kindOf(current);
    if (kind === 'reused') {
      await store.records.remove(current.id);
      return null;
    }
    const record = decodeRecord(kind, current);
    // First what the record names: afterwards nobody would know where it was.
    await store.cache.remove(record.cacheKeys);
    if (record.kind === 'verification') await earlyNotifications(deps, record.id).forget();
    const redacted =
      record.kind === 'verification'
        ? redactVerificationRecord(record, deps.now())
        : redactBankCardRecord(record, deps.now());
    if (redacted === record) return record;
    const life = lifeOf(redacted, deps);
    if (await store.records.replace(current, encodeRecord(redacted), life)) return redacted;
    [current] = await store.records.get([current.id]);
  }
  return null;
}
