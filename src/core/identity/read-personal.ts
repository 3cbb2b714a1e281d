import type { ToldMedia } from '../../contract/index.ts';
import type { Caller } from '../callers/caller.ts';
import type { Clock, KeySpace, Storage } from '../core-deps.ts';
import { readingEntry } from '../ledger/ledger-entries.ts';
import type { VerificationRecord } from '../records/records.ts';
import type { ClearIdentity } from './recorded-identity.ts';

type Deps = Clock & KeySpace & Pick<Storage, 'store'>;

/**
 * The identity in clear, for a caller with the scope; null for others. It is handed out only after its reading is
 * audited. Throws `StoreUnavailable`.
 */
export async function readClearIdentity(
  deps: Deps,
  caller: Caller,
  record: VerificationRecord,
): Promise<ClearIdentity | null> {
  const clear = record.identity?.clear ?? null;
  if (clear === null || !caller.scopes.has('verification:identity')) return null;
  await deps.store.ledger.append([readingEntry(deps, record, caller.userId, 'identity_read')]);
  return clear;
}

/** The addresses of recordings, under the same rules. */
export async function readMedia(
  deps: Deps,
  caller: Caller,
  record: VerificationRecord,
): Promise<readonly ToldMedia[]> {
  if (record.media.length === 0 || !caller.scopes.has('verification:identity')) return [];
  await deps.store.ledger.append([readingEntry(deps, record, caller.userId, 'media_read')]);
  return record.media;
}
