import {
  LimiterRefusal,
  StoreUnavailable,
  type LedgerEntry,
  type StoredRecord,
} from '../../ports/index.ts';
import type { CallerLimits, Clock, Storage, Telemetry, Tenancy } from '../core-deps.ts';
import { answerEntry, endEntry, type LedgerDeps } from '../ledger/ledger-entries.ts';
import { refusedEntries } from '../ledger/refused-entries.ts';
import { logBug } from '../log-bug.ts';
import { failed, problem } from '../problem.ts';
import { isOpenRecord } from '../records/is-open-record.ts';
import { isAnswered } from '../records/is-answered.ts';
import { encodeRecord, lifeOf, type AnyRecord } from '../records/records.ts';
import {
  keepClaimSeconds,
  type ClaimedAttempt,
  type HeldClaim,
  type LedOutcome,
  type LedWork,
  type MadeAttempt,
} from './claimed-work.ts';
import { nowOrLater } from './now-or-later.ts';
import { toFailure } from './to-failure.ts';

/** Stores a result and settles its claim as DONE. */
export async function settleAnswer<Answer extends AnyRecord>(
  deps: LedgerDeps & Telemetry & Storage & Tenancy,
  work: LedWork<Answer>,
  { onKept }: ClaimedAttempt<Answer>,
  { effect, providerId, action, entries, started, stored: known }: MadeAttempt,
  { claim, tickets }: HeldClaim,
  answer: Answer,
): Promise<LedOutcome<Answer>> {
  const recordId = work.placeholder.id;
  const progress = { isKept: false, isTold: entries.length === 0 };
  const settle = (): Promise<boolean> =>
    // For a cached result or a reused launch nothing was sent, so the claim was never started.
    started
      ? claim.settle(tickets, 'done', keepClaimSeconds)
      : claim.adopt(tickets, keepClaimSeconds);
  const answered = answerEntries(deps, answer, action);
  let following: Promise<void> | undefined;
  const keepAndSettle = async (): Promise<boolean> => {
    const told = progress.isTold ? answered : [...entries, ...answered];
    progress.isKept ||= await keep(deps, work, known, answer, told);
    if (!progress.isKept) {
      // The user was redacted meanwhile. What the calls cost remains.
      if (!progress.isTold) await deps.store.ledger.append(entries);
      progress.isTold = true;
      return false;
    }
    following ??= onKept?.(answer);
    // If only the store's reply was lost, the step is done, and repeating it returns true.
    const [isSettled] = await Promise.all([settle().catch(settle), following]);
    return isSettled;
  };
  const mayHaveCharged = effect === 'may_charge' && started;
  const isWorthRepeating = work.handOutUnkept || mayHaveCharged;
  const stored = isWorthRepeating
    ? await nowOrLater(deps, keepAndSettle)
    : await bestEffort(deps, keepAndSettle());
  if (!stored) deps.log.event('error', 'outcome_not_stored', { record: recordId });

  if (stored || work.handOutUnkept) return { kind: 'answered', recordId, answer, stored };
  if (mayHaveCharged) {
    const owed = progress.isKept || progress.isTold ? [] : entries;
    progress.isTold = await bestEffort(deps, settleUnknown(deps, { claim, tickets }, owed));
    return { ...failed(problem('OUTCOME_UNKNOWN', { provider: providerId })), kept: true };
  }
  await nowOrLater(deps, () => claim.release(tickets));
  return { ...failed(problem('STORE_UNAVAILABLE')), kept: progress.isKept };
}

/**
 * Frees the key if nothing chargeable was done, and settles it as UNKNOWN otherwise. Throws `error` if it is
 * a bug after which the key is free.
 */
export async function settleFailure<Answer extends AnyRecord>(
  deps: LedgerDeps &
    Pick<Storage, 'store'> &
    Pick<Telemetry, 'log' | 'metrics'> &
    Pick<CallerLimits, 'refusalsTold'>,
  { operation, placeholder }: LedWork<Answer>,
  { started, entries, ...made }: MadeAttempt,
  { claim, tickets }: HeldClaim,
  error: unknown,
): Promise<LedOutcome<Answer>> {
  const known = toFailure(error, made);
  if (!known) logBug(deps.log, operation, error);
  // After a chargeable call was started, a bug proves nothing about that call.
  const isUnknown = known ? known.claim === 'unknown' : started && made.effect === 'may_charge';
  if (error instanceof LimiterRefusal) {
    deps.metrics.refused(operation, made.providerId, error.reason);
  }
  if (isUnknown) {
    const about = { record: placeholder.id, provider: made.providerId };
    deps.log.event('error', 'outcome_unknown', about);
    await bestEffort(deps, settleUnknown(deps, { claim, tickets }, entries));
  } else {
    const refused = known ? refusedEntries(deps, placeholder, made, known.problem) : [];
    const told = [...entries, ...refused];
    await nowOrLater(deps, async () => {
      const isReleased = await claim.release(tickets, told);
      if (!isReleased) await deps.store.ledger.append(told);
      return true;
    });
  }

  if (error instanceof StoreUnavailable)
    deps.log.event('error', 'store_unavailable', { during: operation });
  if (known) return failed(known.problem);
  if (isUnknown) return failed(problem('OUTCOME_UNKNOWN', { provider: made.providerId }));
  throw error;
}

async function keep<Answer extends AnyRecord>(
  deps: Clock & Storage & Tenancy,
  { placeholder }: LedWork<Answer>,
  known: StoredRecord,
  answer: Answer,
  entries: readonly LedgerEntry[],
): Promise<boolean> {
  const { store } = deps;
  const parts = encodeRecord(answer);
  const life = lifeOf(answer, deps);
  // Usually the record has not changed since it was read.
  if ((await store.records.replace(known, parts, life, entries)) !== null) return true;
  const [stored] = await store.records.get([placeholder.id]);
  // The record was written before and only the reply was lost. It may have changed since.
  if (isOpenRecord(stored) && isAnswered(stored)) return true;
  const isKept =
    isOpenRecord(stored) && (await store.records.replace(stored, parts, life, entries)) !== null;
  // The user was redacted while the provider worked. The cache must not bring the data back.
  if (!isKept && answer.kind !== 'reused') await store.cache.remove(answer.cacheKeys);
  return isKept;
}

/** What the calls cost is told even if the claim is gone, for example after a failover of Redis. */
async function settleUnknown(
  { store }: Pick<Storage, 'store'>,
  { claim, tickets }: HeldClaim,
  entries: readonly LedgerEntry[],
): Promise<boolean> {
  const isSettled = await claim.settle(tickets, 'unknown', keepClaimSeconds, entries);
  if (!isSettled) await store.ledger.append(entries);
  return true;
}

/** A start may be over at once. */
function answerEntries(
  deps: LedgerDeps,
  answer: AnyRecord,
  action: string,
): readonly LedgerEntry[] {
  const entry = answerEntry(deps, answer, action);
  const isOver = answer.kind === 'verification' && answer.status !== 'PENDING';
  return isOver ? [entry, endEntry(deps, answer)] : [entry];
}

/** For steps that are not retried. False if the step failed. */
async function bestEffort(
  { log }: Pick<Telemetry, 'log'>,
  step: Promise<boolean>,
): Promise<boolean> {
  try {
    return await step;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) logBug(log, 'claim', error);
    return false;
  }
}
