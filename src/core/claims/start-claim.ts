import { ProviderFault } from '../../contract/index.ts';
import type { LedgerEntry, StoredRecord } from '../../ports/index.ts';
import type { Clock, Storage } from '../core-deps.ts';
import { isOpenRecord } from '../records/is-open-record.ts';
import { latestResponseMs } from '../upstream/call-terms.ts';
import { keepClaimSeconds, type HeldClaim } from './claimed-work.ts';

/** A call is sent at least this long before the deadline, or not at all. */
const latestStartMs = 3000;

export interface ClaimProgress {
  started: boolean;
  /** The record as it was known last. */
  stored: StoredRecord;
}

export interface ClaimSending {
  readonly recordId: string;
  /** When the work must be over. */
  readonly deadlineMs: number;
  /** Whether STARTED was confirmed, by this attempt or an earlier one. */
  readonly progress: ClaimProgress;
  /** What goes into the ledger together with STARTED. Nothing, if this attempt has told it before. */
  readonly entriesToBegin: () => readonly LedgerEntry[];
}

/** Confirms STARTED in the store. Throws `ProviderFault('not_sent')` if nothing may be sent. */
export async function startClaim(
  deps: Clock & Storage,
  { claim, tickets }: HeldClaim,
  { recordId, progress, deadlineMs, entriesToBegin }: ClaimSending,
): Promise<void> {
  const latestMs = deadlineMs - latestStartMs;
  if (deps.now() >= latestMs) throw new ProviderFault('not_sent');
  const times = { answerWithinMs: latestResponseMs, keepSeconds: keepClaimSeconds };
  const entries = entriesToBegin();
  const starting = progress.started
    ? claim.startAgain(tickets, times, entries)
    : claim.start(tickets, times, entries);
  const [isOurs, [stored]] = await Promise.all([starting, deps.store.records.get([recordId])]);
  // If this process was paused and another one took over the claim, it must not send. If the user was
  // redacted in the meantime, a call would cost money for nothing.
  // The version that this process wrote was not redacted.
  const isOpen = stored?.version === progress.stored.version || isOpenRecord(stored);
  if (!isOurs || !stored || !isOpen || deps.now() >= latestMs) {
    throw new ProviderFault('not_sent');
  }
  progress.started = true;
  if (stored.version !== progress.stored.version) progress.stored = stored;
}
