import { StoreUnavailable, type StoredRecord } from '../../ports/index.ts';
import type { KeySpace, Random, RecordDeps, Storage } from '../core-deps.ts';
import { earlyNotifications } from '../verifications/early-notifications.ts';
import { redactBankCardRecord, redactVerificationRecord } from './redact-record.ts';
import {
  decodeRecord,
  encodeRecord,
  kindOf,
  lifeOf,
  wasAnswered,
  type BankCardRecord,
  type VerificationRecord,
} from '../records/records.ts';

/** What became of it; null for what is gone, or says nothing about anybody. */
export type Redacted = {
  readonly record: VerificationRecord | BankCardRecord;
  /** False where that was done before. */
  readonly isNew: boolean;
} | null;

/**
 * Destroys what a record says about a person, and everything that was kept under its name. What is
 * written later by somebody who read it before does not fit its version any more.
 *
 * Repeating is harmless, and finishes what was cut off. Throws `StoreUnavailable`.
 */
export async function redact(deps: RecordDeps, stored: StoredRecord): Promise<Redacted> {
  const { store } = deps;
  for (let current: StoredRecord | null | undefined = stored; current;) {
    const record = read(current);
    // Ids only: the key that it answers goes on naming the same verification.
    if (record === 'reused') return null;
    // A placeholder becomes nothing; what nobody can read, nobody can keep a part of.
    if (record === 'unreadable' || !wasAnswered(record)) {
      await store.records.remove(current.id);
      if (record !== 'unreadable') await forgetElsewhere(deps, record);
      return null;
    }
    // First what the record names: should this be cut off, it still knows where that was.
    await forgetElsewhere(deps, record);
    const redacted =
      record.kind === 'verification'
        ? redactVerificationRecord(record, deps.now())
        : redactBankCardRecord(record, deps.now());
    if (redacted === record) return { record, isNew: false };
    const life = lifeOf(redacted, deps);
    if (await store.records.replace(current, encodeRecord(redacted), life)) {
      // And what was remembered meanwhile.
      await forgetElsewhere(deps, record);
      return { record: redacted, isNew: true };
    }
    [current] = await store.records.get([current.id]);
  }
  return null;
}

function read(stored: StoredRecord): VerificationRecord | BankCardRecord | 'reused' | 'unreadable' {
  try {
    const kind = kindOf(stored);
    return kind === 'reused' ? 'reused' : decodeRecord(kind, stored);
  } catch (error) {
    if (error instanceof StoreUnavailable) return 'unreadable';
    throw error;
  }
}

async function forgetElsewhere(
  deps: Random & KeySpace & Storage,
  record: VerificationRecord | BankCardRecord,
): Promise<void> {
  await deps.store.cache.remove(record.cacheKeys);
  if (record.kind === 'verification') await earlyNotifications(deps, record.id).forget();
}
