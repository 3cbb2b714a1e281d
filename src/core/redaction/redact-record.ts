import {
  untoldOutcome,
  untoldResult,
  type BankCardRecord,
  type VerificationRecord,
} from '../records/records.ts';

/**
 * What is left when everything that says something about a person is destroyed: the fact, its status
 * or outcome, times and billing. Pure; redacting again changes nothing.
 */
export function redactVerificationRecord(
  record: VerificationRecord,
  nowMs: number,
): VerificationRecord {
  if (record.redactedAtMs !== null) return record;
  return {
    ...record,
    launch: null,
    session: null,
    extra: null,
    redirectUrl: null,
    consentRef: null,
    cacheKeys: [],
    outcome: record.outcome && { ...record.outcome, ...untoldOutcome },
    redactedAtMs: nowMs,
  };
}

/** As above. */
export function redactBankCardRecord(record: BankCardRecord, nowMs: number): BankCardRecord {
  if (record.redactedAtMs !== null) return record;
  return {
    ...record,
    result: record.result && { ...record.result, ...untoldResult },
    consentRef: null,
    sourceCheckId: null,
    cacheKeys: [],
    redactedAtMs: nowMs,
  };
}
