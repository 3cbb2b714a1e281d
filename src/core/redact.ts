import type { StoredRecord } from '../contract/index.ts';
import type { CoreDeps } from './core-deps.ts';
import { earlyNotifications } from './early-notifications.ts';
import { redactBankCardRecord, redactVerificationRecord } from './redact-record.ts';
import { decodeRecord, encodeRecord, kindOf, lifeOf, type AnyRecord } from './records.ts';

export interface Redacted {
  /** As it is now; null when it is gone. */
  readonly record: AnyRecord | null;
  /** False where that was done before. */
  readonly isNew: boolean;
}

/**
 * Destroys what a record says about a person, and everything that was kept under its name. What is
 * written later by somebody who read it before does not fit its version any more.
 *
 * Repeating is harmless, and finishes what was cut off. Throws `StoreUnavailable`.
 */
export async function redact(deps: CoreDeps, stored: StoredRecord): Promise<Redacted> {
  const { store } = deps;
  for (let current: StoredRecord | null | undefined = stored; current;) {
    const kind = kindOf(current);
    if (kind === 'reused') {
      await store.records.remove(current.id);
      return { record: null, isNew: false };
    }
    const record = decodeRecord(kind, current);
    // First what the record names: afterwards nobody would know where it was.
    await store.cache.remove(record.cacheKeys);
    if (record.kind === 'verification') await earlyNotifications(deps, record.id).forget();
    const redacted =
      record.kind === 'verification'
        ? redactVerificationRecord(record, deps.now())
        : redactBankCardRecord(record, deps.now());
    if (redacted === record) return { record, isNew: false };
    const life = lifeOf(redacted, deps);
    const written = await store.records.replace(current, encodeRecord(redacted), life);
    if (written) return { record: redacted, isNew: true };
    [current] = await store.records.get([current.id]);
  }
  return { record: null, isNew: false };
}
