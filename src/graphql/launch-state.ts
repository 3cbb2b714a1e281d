import { mayLaunch, type Caller } from '../core/callers/caller.ts';
import type { VerificationRecord } from '../core/records/records.ts';
import type { VerificationLaunchState } from './generated.ts';

/** Whether the person can still begin, and if not, why. The schema says what to do next. */
export function toLaunchState(
  record: VerificationRecord,
  caller: Caller,
  nowMs: number,
): VerificationLaunchState {
  if (!mayLaunch(caller, record)) return 'HIDDEN';
  if (record.status !== 'PENDING' || record.redactedAtMs !== null) return 'CLOSED';
  if (record.launch === null) return record.launchFollows ? 'OPEN' : 'USED';
  return record.expiresAtMs === null || nowMs >= record.expiresAtMs ? 'EXPIRED' : 'OPEN';
}
