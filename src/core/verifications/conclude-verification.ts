import {
  pendingPhases,
  terminalStatuses,
  sanitizeCode,
  type Billing,
  type OutcomeAnswer,
} from '../../contract/index.ts';
import type { RecordedOutcome, VerificationRecord } from '../records/records.ts';

export interface Terms {
  readonly nowMs: number;
  /** When the poll was sent. The response does not contain what happened since. */
  readonly askedMs: number;
  readonly graceSeconds: number;
  readonly evidence: RecordedOutcome['evidence'];
}

/**
 * A pending verification after a response of the provider. Pure.
 *
 * It becomes EXPIRED only if the provider says so, or if it is still pending in the response to a poll that
 * was sent after expiry plus grace. Before that, the person may have passed in the last second.
 */
export function concludeVerification(
  record: VerificationRecord,
  answer: OutcomeAnswer,
  terms: Terms,
): VerificationRecord {
  // A late response must not bring back what was redacted.
  if (record.status !== 'PENDING' || record.redactedAtMs !== null) return record;
  const checked = { ...record, lastCheckedAtMs: terms.nowMs };

  if (answer.kind === 'ended') {
    const { status: told, identity: _identity, media: _media, ...outcome } = answer.result;
    // A plugin in JavaScript may return any status. One that the contract does not list is UNDETERMINED.
    const status = terminalStatuses.includes(told) ? told : 'UNDETERMINED';
    const code = outcome.code === null ? null : sanitizeCode(outcome.code);
    return ended(checked, status, { ...outcome, code, evidence: terms.evidence });
  }
  const pending = answer.kind === 'pending' ? whilePending(checked, answer, terms.nowMs) : checked;
  // A review by people may take longer than the person had.
  if (pending.phase === 'UNDER_REVIEW') return pending;
  if (terms.askedMs < graceEndsMs(pending, terms.graceSeconds)) return pending;
  const chargedAttempts = answer.chargedAttempts ?? null;
  return answer.kind === 'pending'
    ? ended(checked, 'EXPIRED', withoutCode('TIMED_OUT', chargedAttempts, terms.evidence))
    : ended(checked, 'UNDETERMINED', withoutCode('NOT_LEARNT', chargedAttempts, terms.evidence));
}

function whilePending(
  record: VerificationRecord,
  answer: Extract<OutcomeAnswer, { kind: 'pending' }>,
  nowMs: number,
): VerificationRecord {
  const isPhase = answer.phase !== undefined && pendingPhases.includes(answer.phase);
  const phase = isPhase ? answer.phase : record.phase;
  if (answer.launchUsed === true) return { ...record, phase, launch: null, launchFollows: false };
  if (!record.launchFollows || !answer.launch) return { ...record, phase };
  const { launch, expiresInSeconds } = answer;
  // Without a time of its own, the launch lives as long as the start said.
  const lifeMs = expiresInSeconds === undefined ? lifeOfStartMs(record) : expiresInSeconds * 1000;
  return {
    ...record,
    phase: isPhase ? phase : 'WAITING_FOR_PERSON',
    launch,
    launchFollows: false,
    expiresAtMs: nowMs + lifeMs,
  };
}

function lifeOfStartMs({ startedAtMs, expiresAtMs }: VerificationRecord): number {
  return startedAtMs === null || expiresAtMs === null ? 0 : expiresAtMs - startedAtMs;
}

/** The end of the grace period. Until then a late outcome may still appear. */
export function graceEndsMs(record: VerificationRecord, graceSeconds: number): number {
  return (record.expiresAtMs ?? record.createdAtMs) + graceSeconds * 1000;
}

/** A pending verification whose outcome can no longer be learnt. Pure. */
export function forgetVerification(record: VerificationRecord): VerificationRecord {
  return ended(record, 'UNDETERMINED', withoutCode('NOT_LEARNT', null, null));
}

/**
 * A pending verification that its user no longer wants. What it cost is not known yet: it keeps its session, so that
 * the provider can be asked once more. Pure.
 */
export function cancelledVerification(
  record: VerificationRecord,
  nowMs: number,
): VerificationRecord {
  const cancelled = ended(record, 'CANCELLED', withoutCode('USER_CANCELLED', null, null));
  return { ...cancelled, session: record.session, lastCheckedAtMs: nowMs };
}

function ended(
  record: VerificationRecord,
  status: VerificationRecord['status'],
  outcome: RecordedOutcome,
): VerificationRecord {
  // Launch and session are of no use after the end.
  return { ...record, status, outcome, launch: null, session: null };
}

function withoutCode(
  reason: string,
  chargedAttempts: number | null,
  evidence: RecordedOutcome['evidence'],
): RecordedOutcome {
  return {
    code: null,
    reason,
    message: null,
    similarity: null,
    completedAtMs: null,
    evidence,
    billing: billingOf(chargedAttempts),
    chargedAttempts,
    details: null,
  };
}

function billingOf(chargedAttempts: number | null): Billing {
  if (chargedAttempts === null) return 'UNKNOWN';
  return chargedAttempts > 0 ? 'CHARGED' : 'NOT_CHARGED';
}
