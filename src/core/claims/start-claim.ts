import { ProviderFault } from '../../contract/index.ts';
import type { Clock, Storage } from '../core-deps.ts';
import { isOpenRecord } from '../records/is-open-record.ts';
import { latestResponseMs } from '../upstream/call-terms.ts';
import { keepClaimSeconds, type HeldClaim } from './claimed-work.ts';

/** Bytes leave at least so long before the deadline, or not at all. */
const latestStartMs = 3000;

export interface ClaimSending {
  readonly recordId: string;
  /** When the work has to be over. */
  readonly deadlineMs: number;
  /** Whether STARTED was confirmed, by whichever attempt. */
  readonly progress: { started: boolean };
}

/** Confirms STARTED in the store. Throws `ProviderFault('not_sent')` when nothing may be sent. */
export async function startClaim(
  deps: Clock & Storage,
  { claim, tickets }: HeldClaim,
  { recordId, progress, deadlineMs }: ClaimSending,
): Promise<void> {
  const latestMs = deadlineMs - latestStartMs;
  if (deps.now() >= latestMs) throw new ProviderFault('not_sent');
  const times = { answerWithinMs: latestResponseMs, keepSeconds: keepClaimSeconds };
  const starting = progress.started
    ? claim.startAgain(tickets, times)
    : claim.start(tickets, times);
  const [isOurs, [stored]] = await Promise.all([starting, deps.store.records.get([recordId])]);
  // A process that was paused until another took over the claim must not send. Nothing is paid for a
  // person who was redacted in the meantime.
  if (!isOurs || !isOpenRecord(stored) || deps.now() >= latestMs) {
    throw new ProviderFault('not_sent');
  }
  progress.started = true;
}
