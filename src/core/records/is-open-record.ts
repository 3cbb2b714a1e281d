import type { StoredRecord } from '../../ports/index.ts';
import { decodeRecord, kindOf } from './records.ts';

/** The record exists and is not redacted. */
export function isOpenRecord(stored: StoredRecord | null | undefined): stored is StoredRecord {
  if (!stored) return false;
  const kind = kindOf(stored);
  return kind === 'reused' || decodeRecord(kind, stored).redactedAtMs === null;
}
