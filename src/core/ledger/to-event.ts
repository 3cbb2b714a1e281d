import type { EventKind, LedgerKind, ServiceEvent, ToldEntry } from '../../ports/index.ts';
import { isRecordId } from '../records/records.ts';

/** An end is published at once, and not from the ledger. */
const kindOf: Partial<Record<LedgerKind, EventKind>> = {
  started: 'verification.started',
  checked: 'bank_card_check.done',
  redacted: 'verification.redacted',
};

/** The event that tells other services of an entry of the ledger; null for an entry that is no event. */
export function toEvent({
  kind: told,
  recordId,
  tenantId,
  status = null,
  atMs,
}: ToldEntry): ServiceEvent | null {
  const kind = Object.hasOwn(kindOf, told) ? kindOf[told as LedgerKind] : undefined;
  if (kind === undefined || recordId == null || tenantId == null) return null;
  const id = String(recordId);
  // Checks of bank cards are redacted too.
  if (kind === 'verification.redacted' && !isRecordId('verification', id)) return null;
  const about = { recordId: id, tenantId: String(tenantId) };
  return { kind, ...about, status: status === null ? null : String(status), atMs };
}
