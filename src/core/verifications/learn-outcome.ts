import type { OutcomeAnswer } from '../../contract/index.ts';
import type { LedgerEntry, StoredRecord } from '../../ports/index.ts';
import type { Clock, KeySpace } from '../core-deps.ts';
import { keepIdentity } from '../identity/keep-identity.ts';
import { lateOutcomeEntry, type LedgerDeps } from '../ledger/ledger-entries.ts';
import { addCalls, type RecordedCall } from '../records/recorded-call.ts';
import { decodeRecord, type VerificationRecord } from '../records/records.ts';
import { concludeVerification, type Terms } from './conclude-verification.ts';
import { writeVerification, type WriteDeps } from './write-verification.ts';

/** How often another request may write the record in between. */
const mostTries = 5;

/** What a provider said about a verification, and when it was asked. */
export interface Told {
  readonly answer: OutcomeAnswer;
  readonly terms: Terms;
  /** When the poll was sent; null if the provider told by itself. */
  readonly askedAtMs: number | null;
  readonly calls: readonly RecordedCall[];
  /** Whether the person has come back from the provider. */
  readonly hasReturned: boolean;
}

/**
 * Writes what a provider said about a verification. A terminal status never changes: if the verification was cancelled,
 * its outcome is kept in the ledger instead. Throws `StoreUnavailable`.
 */
export async function learnOutcome(
  deps: WriteDeps,
  stored: StoredRecord,
  told: Told,
): Promise<VerificationRecord> {
  let current = stored;
  for (let tries = 0; ; tries++) {
    const record = decodeRecord('verification', current);
    const { next, entries } =
      record.status === 'CANCELLED' ? late(deps, record, told) : inTime(deps, record, told);
    if (next === record || tries === mostTries) return record;
    const written = await writeVerification(deps, current, next, { entries });
    if (written) return written;
    const [newer] = await deps.store.records.get([record.id]);
    if (!newer) return next;
    current = newer;
  }
}

/** Whether what the provider says about it still matters. */
export function awaitsOutcome({ status, session }: VerificationRecord): boolean {
  return status === 'PENDING' || (status === 'CANCELLED' && session !== null);
}

interface Learnt {
  readonly next: VerificationRecord;
  readonly entries?: readonly LedgerEntry[];
}

function inTime(
  deps: Clock & KeySpace,
  record: VerificationRecord,
  { answer, terms, askedAtMs, calls, hasReturned }: Told,
): Learnt {
  if (record.status !== 'PENDING') return { next: record };
  const asked =
    askedAtMs === null
      ? record
      : {
          ...{ ...record, lastAskedAtMs: askedAtMs, calls: addCalls(record.calls, calls) },
          // The person may have come back while the provider was asked.
          hasReturned: record.hasReturned || hasReturned,
        };
  const concluded = concludeVerification(asked, answer, terms);
  if (concluded === asked && askedAtMs === null) return { next: record };
  return { next: keepIdentity(deps, concluded, answer) };
}

/** After that, the session is of no use any more. */
function late(
  deps: LedgerDeps,
  record: VerificationRecord,
  { answer, terms, calls }: Told,
): Learnt {
  if (record.session === null) return { next: record };
  const open = { ...record, status: 'PENDING', outcome: null } as const;
  const { status, outcome } = concludeVerification(open, answer, terms);
  if (status === 'PENDING' || outcome === null) return { next: record };
  return {
    next: { ...record, session: null, calls: addCalls(record.calls, calls) },
    entries: [lateOutcomeEntry(deps, record, { status, outcome })],
  };
}
