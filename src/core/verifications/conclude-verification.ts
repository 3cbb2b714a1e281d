import {
  terminalStatuses,
  sanitizeCode,
  type Billing,
  type OutcomeAnswer,
} from '../../contract/index.ts';
import type { RecordedOutcome, VerificationRecord } from '../records/records.ts';

/**
 * A pending verification as it is after the provider answered. Pure.
 *
 * EXPIRED comes only from the provider's word, or from the answer to a question after expiry plus grace:
 * somebody may have passed in the last second.
 */
export function concludeVerification(
  record: VerificationRecord,
  answer: OutcomeAnswer,
  terms: {
    readonly nowMs: number;
    /** When the question was sent: what happened since is not in the answer. */
    readonly askedMs: number;
    readonly graceSeconds: number;
    readonly evidence: RecordedOutcome['evidence'];
  },
): VerificationRecord {
  // What was destroyed must not come back by a late answer.
  if (record.status !== 'PENDING' || record.redactedAtMs !== null) return record;
  const checked = { ...record, lastCheckedAtMs: terms.nowMs };

  if (answer.kind === 'ended') {
    const { status: told, ...outcome } = answer.result;
    // A plugin in JavaScript may say anything; only what is a word of ours counts.
    const status = terminalStatuses.includes(told) ? told : 'UNDETERMINED';
    const code = outcome.code === null ? null : sanitizeCode(outcome.code);
    return ended(checked, status, { ...outcome, code, evidence: terms.evidence });
  }
  if (terms.askedMs < graceEndsMs(record, terms.graceSeconds)) {
    const launchUsed = answer.kind === 'pending' && answer.launchUsed === true;
    return launchUsed ? { ...checked, launch: null } : checked;
  }
  const chargedAttempts = answer.chargedAttempts ?? null;
  return answer.kind === 'pending'
    ? ended(checked, 'EXPIRED', withoutCode('TIMED_OUT', chargedAttempts, terms.evidence))
    : ended(checked, 'UNDETERMINED', withoutCode('NOT_LEARNT', chargedAttempts, terms.evidence));
}

/** Until then a late outcome may still appear. */
export function graceEndsMs(record: VerificationRecord, graceSeconds: number): number {
  return (record.expiresAtMs ?? record.createdAtMs) + graceSeconds * 1000;
}

/** A pending verification about which nothing can be learnt any more. Pure. */
export function forgetVerification(record: VerificationRecord): VerificationRecord {
  return ended(record, 'UNDETERMINED', withoutCode('NOT_LEARNT', null, null));
}

function ended(
  record: VerificationRecord,
  status: VerificationRecord['status'],
  outcome: RecordedOutcome,
): VerificationRecord {
  // What only served to ask is of no more use to anybody.
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
