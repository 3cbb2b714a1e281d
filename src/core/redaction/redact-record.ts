import {
  untoldOutcome,
  untoldResult,
  type BankCardRecord,
  type VerificationRecord,
} from '../records/records.ts';

/**
 * The record without everything that says something about a person. Its existence, status, times and billing
 * remain. Pure. Redacting twice changes nothing.
 */
export function redactVerificationRecord(
  record: VerificationRecord,
  nowMs: number,
): VerificationRecord {
  if (record.redactedAtMs !== null) return record;
  return {
    ...record,
    launch: null,
    launchFollows: false,
    session: null,
    extra: null,
    redirectUrl: null,
    flowId: null,
    subjectHashes: null,
    identity: null,
    media: [],
    consentRef: null,
    cacheKeys: [],
    outcome: record.outcome && { ...record.outcome, ...untoldOutcome },
    redactedAtMs: nowMs,
  };
}

/** The same for a bank card check, of which the outcome remains. */
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
