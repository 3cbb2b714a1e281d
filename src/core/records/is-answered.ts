import type { StoredRecord } from '../../ports/index.ts';
import { decodeRecord, kindOf, wasAnswered } from './records.ts';

/** Whether a record holds the result of its operation. False for a placeholder. */
export function isAnswered(stored: StoredRecord): boolean {
  const kind = kindOf(stored);
  return kind === 'reused' || wasAnswered(decodeRecord(kind, stored));
}
