import type { ToldMedia } from '../../contract/index.ts';
import type { AuditEntry } from '../../ports/index.ts';
import type { Caller } from '../callers/caller.ts';
import { modeOf, type Clock, type KeySpace, type Outbox } from '../core-deps.ts';
import { keyedHash } from '../records/keyed-hash.ts';
import type { VerificationRecord } from '../records/records.ts';
import type { ClearIdentity } from './recorded-identity.ts';

type Deps = Clock & KeySpace & Pick<Outbox, 'audit'>;

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
  await deps.audit(readingOf(deps, caller, record, 'identity_read'));
  return clear;
}

/** The addresses of recordings, under the same rules. */
export async function readMedia(
  deps: Deps,
  caller: Caller,
  record: VerificationRecord,
): Promise<readonly ToldMedia[]> {
  if (record.media.length === 0 || !caller.scopes.has('verification:identity')) return [];
  await deps.audit(readingOf(deps, caller, record, 'media_read'));
  return record.media;
}

function readingOf(
  deps: Deps,
  { tenantId, userId }: Caller,
  { id: recordId }: VerificationRecord,
  kind: 'identity_read' | 'media_read',
): AuditEntry {
  const parts = [modeOf(deps), tenantId, userId];
  const callerHash = keyedHash(deps.hashKeys[0].key, 'auditor', parts);
  return { kind, tenantId, recordId, callerHash, atMs: deps.now() };
}
