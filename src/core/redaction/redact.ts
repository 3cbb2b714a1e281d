import { StoreUnavailable, type StoredRecord } from '../../ports/index.ts';
import type { KeySpace, Random, RecordDeps, Storage } from '../core-deps.ts';
import { redactedEntry } from '../ledger/ledger-entries.ts';
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

/** The redacted record; null if it was removed, did not exist, or holds only ids. */
export type Redacted = {
  readonly record: VerificationRecord | BankCardRecord;
  /** False if it had been redacted before. */
  readonly isNew: boolean;
} | null;

/**
 * Destroys the personal data of a record, its cache entries and its early notifications. A later write by a
 * request that read the record before fails, because the version has changed.
 *
 * It may be repeated, and then finishes what a crash left undone. Throws `StoreUnavailable`.
 */
export async function redact(
  deps: RecordDeps,
  stored: StoredRecord,
  callerId: string,
): Promise<Redacted> {
  const { store } = deps;
  for (let current: StoredRecord | null | undefined = stored; current;) {
    const record = read(current);
    // A `reused` record holds only ids. It stays, so that a replay of its key still finds the verification.
    if (record === 'reused') return null;
    // A placeholder is removed. So is an unreadable record, because its parts cannot be told apart.
    if (record === 'unreadable' || !wasAnswered(record)) {
      await store.records.remove(current.id);
      if (record !== 'unreadable') await forgetElsewhere(deps, record);
      return null;
    }
    // The cache first: after a crash the record still holds the cache keys for a repetition.
    await forgetElsewhere(deps, record);
    const redacted =
      record.kind === 'verification'
        ? redactVerificationRecord(record, deps.now())
        : redactBankCardRecord(record, deps.now());
    if (redacted === record) return { record, isNew: false };
    const life = lifeOf(redacted, deps);
    const entries = [redactedEntry(deps, record, callerId)];
    if (await store.records.replace(current, encodeRecord(redacted), life, entries)) {
      // Again, for entries that were cached meanwhile.
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
