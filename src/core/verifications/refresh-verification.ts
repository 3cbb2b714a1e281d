import { ProviderFault, type ChannelDefinition, type OutcomeAnswer } from '../../contract/index.ts';
import { LimiterRefusal, StoreUnavailable, type StoredRecord } from '../../ports/index.ts';
import { readsOnly } from '../upstream/call-journal.ts';
import { callProvider } from '../upstream/call-provider.ts';
import { checkAnswer } from './check-launch.ts';
import { forgetVerification, graceEndsMs } from './conclude-verification.ts';
import {
  modeOf,
  type CallDeps,
  type Clock,
  type KeySpace,
  type Outbox,
  type OutcomeDeps,
  type Random,
  type RecordDeps,
  type Storage,
} from '../core-deps.ts';
import { holdLock, keepRenewing, leaseMs, type Lock } from '../records/hold-lock.ts';
import { keyedHashes } from '../records/keyed-hash.ts';
import { logBug } from '../log-bug.ts';
import { withTimeout } from '../with-timeout.ts';
import { addCalls, type RecordedCall } from '../records/recorded-call.ts';
import { decodeRecord, encodeRecord, lifeOf, type VerificationRecord } from '../records/records.ts';
import { isEnabled, outcomeSourceOf, type RegisteredProvider } from '../upstream/registry.ts';
import { awaitsOutcome, learnOutcome } from './learn-outcome.ts';
import { writeVerification, type WriteDeps } from './write-verification.ts';

/**
 * Why a verification is refreshed. `came_back`: the person has just been at the provider, so an earlier poll is
 * of no use. `cancelling`: neither is it before a cancellation. `reconcile`: a background poll.
 */
export type RefreshReason = 'asked' | 'came_back' | 'cancelling' | 'reconcile';

/** Whether an earlier poll is of no use. */
function needsNewPoll(reason: RefreshReason): boolean {
  return reason === 'came_back' || reason === 'cancelling';
}

/** Longer than any caller waits, so that two provider calls in a row have their full time. */
const pollTimeoutMs = 15_000;
/** How often a replica looks for the result of another replica's poll, and for how long. */
const lookEveryMs = 100;
const lookForMs = 3000;
/** How long a background poll waits for a slot. */
const reconcileTurnWithinMs = 2000;
/** Used if the channel of a verification no longer exists. */
const defaultRetentionSeconds = 3 * 24 * 3600;

/**
 * The current state of a verification. Polls the provider if it is pending.
 *
 * Over all replicas only one request polls the provider, at most once per `pollEveryMs`, and all requests get
 * its result. If the poll fails, the record keeps its status. A terminal status never changes.
 */
export async function refreshVerification(
  deps: OutcomeDeps,
  stored: StoredRecord,
  deadlineMs: number,
  reason: RefreshReason = 'asked',
): Promise<VerificationRecord> {
  const record = decodeRecord('verification', stored);
  if (record.startedAtMs === null) return record;
  if (record.status !== 'PENDING') return refreshEnded(deps, stored, deadlineMs, reason);

  const provider = deps.registry.find(record.providerId);
  const channel = provider?.definition.channels[record.channel];
  if (deps.now() >= retentionEndsMs(record, channel)) {
    return write(deps, stored, forgetVerification(record));
  }
  // A redacted verification has no session, so it cannot be polled.
  const canAsk = provider && isEnabled(provider) && record.session !== null;
  if (!channel || (!canAsk && record.redactedAtMs === null)) return record;
  const { fetchOutcome } = channel;
  if (!canAsk || outcomeSourceOf(provider, channel) !== 'QUERY' || !fetchOutcome) {
    // A review by people ends with a notification, which can be read while the provider is enabled.
    const isReviewed = canAsk === true && record.phase === 'UNDER_REVIEW';
    const isOver = !isReviewed && deps.now() >= graceEndsMs(record, channel.graceSeconds);
    return isOver ? write(deps, stored, forgetVerification(record)) : record;
  }

  // The start counts as a poll: no person finishes within a second of it.
  const lastMs = record.lastAskedAtMs ?? record.startedAtMs;
  const agoMs = deps.now() - lastMs;
  // Negative if the clock of another replica is ahead. Then it is not known how fresh the poll is.
  const isFresh = agoMs >= 0 && agoMs < pollIntervalMs(record, channel);
  if (isFresh && !needsNewPoll(reason)) return record;
  const known = reason === 'came_back' ? await noteReturn(deps, stored) : stored;
  const polled = decodeRecord('verification', known);
  const polling = sharePoll(deps, {
    ...{ stored: known, record: polled },
    ...{ provider, channel, fetchOutcome, reason },
  });
  return withTimeout(deadlineMs - deps.now(), polling, () => polled);
}

type PollDeps = RecordDeps & CallDeps & Outbox & WriteDeps;

/** How often another request may write the record in between. */
const mostTries = 5;

/**
 * Stores that the person has come back, before the poll: some results are final only from then on, and the poll may find
 * the lock taken, or fail. Returns the record as it is now.
 */
async function noteReturn(deps: Clock & Storage, stored: StoredRecord): Promise<StoredRecord> {
  let current = stored;
  for (let tries = 0; tries < mostTries; tries++) {
    const record = decodeRecord('verification', current);
    if (record.hasReturned || record.status !== 'PENDING') return current;
    const returned = { ...record, hasReturned: true };
    const { records } = deps.store;
    const written = await records.replace(current, encodeRecord(returned), lifeOf(returned, deps));
    if (written) return written;
    const [newer] = await records.get([record.id]);
    if (!newer) return current;
    current = newer;
  }
  return current;
}

/** An ended verification is not polled, except for what a cancelled one cost. */
async function refreshEnded(
  deps: OutcomeDeps,
  stored: StoredRecord,
  deadlineMs: number,
  reason: RefreshReason,
): Promise<VerificationRecord> {
  const record = decodeRecord('verification', stored);
  if (reason === 'asked' || !awaitsOutcome(record)) return record;
  const provider = deps.registry.find(record.providerId);
  const channel = provider?.definition.channels[record.channel];
  if (!channel?.fetchOutcome || !provider || !isEnabled(provider)) return record;
  const isQueried = outcomeSourceOf(provider, channel) === 'QUERY';
  if (!isQueried || deps.now() >= retentionEndsMs(record, channel)) return record;
  const { fetchOutcome } = channel;
  const polling = sharePoll(deps, { stored, record, provider, channel, fetchOutcome, reason });
  return withTimeout(deadlineMs - deps.now(), polling, () => record);
}

/** Decisions by people take at least minutes. */
const reviewPollMs = 60_000;

export function pollIntervalMs(
  { phase }: VerificationRecord,
  { pollEveryMs }: ChannelDefinition<unknown>,
): number {
  return phase === 'UNDER_REVIEW' ? Math.max(pollEveryMs, reviewPollMs) : pollEveryMs;
}

/** When the provider deletes the outcome. Until then it can be polled. */
export function retentionEndsMs(
  { startedAtMs, createdAtMs }: VerificationRecord,
  channel: ChannelDefinition<unknown> | undefined,
): number {
  const retentionSeconds = channel?.retentionSeconds ?? defaultRetentionSeconds;
  return (startedAtMs ?? createdAtMs) + retentionSeconds * 1000;
}

interface Poll {
  readonly stored: StoredRecord;
  readonly record: VerificationRecord;
  readonly provider: RegisteredProvider;
  readonly channel: ChannelDefinition<unknown>;
  readonly fetchOutcome: NonNullable<ChannelDefinition<unknown>['fetchOutcome']>;
  readonly reason: RefreshReason;
}

/** One poll at a time in this process. A person who has just come back needs the next one. */
function sharePoll(deps: OutcomeDeps, poll: Poll): Promise<VerificationRecord> {
  const { record, reason } = poll;
  const asking = deps.asking.get(record.id) ?? { now: null, next: null };
  const shared = needsNewPoll(reason) ? asking.next : (asking.now ?? asking.next);
  if (shared) return shared;
  // Not registered, so that no other request joins a poll of the lowest priority.
  if (reason === 'reconcile') return pollInBackground(deps, poll);

  deps.asking.set(record.id, asking);
  const polling: Promise<VerificationRecord> = pollUnderLock(deps, poll, () => {
    if (asking.next === polling) asking.next = null;
    asking.now = polling;
  }).finally(() => {
    if (asking.now === polling) asking.now = null;
    if (asking.next === polling) asking.next = null;
    if (asking.now === null && asking.next === null) deps.asking.delete(record.id);
  });
  if (needsNewPoll(reason)) asking.next = polling;
  else asking.now = polling;
  // All callers may have left by the time it fails. Without a handler the rejection would end the process.
  polling.catch(() => {});
  return polling;
}

/**
 * Polls under a lock. The lock is kept until the next poll may be sent, so that no two replicas poll within
 * `pollEveryMs`. A replica that does not get the lock waits for the result of the other one. If that does not
 * come soon, it returns the record as it is.
 */
async function pollUnderLock(
  deps: PollDeps,
  poll: Poll,
  onTurn: () => void,
): Promise<VerificationRecord> {
  const { store, now } = deps;
  const { stored, channel, reason } = poll;
  const lock = lockOf(deps, stored.id);
  // The lock is held until the next poll may be sent. The poll of a person who came back must not be lost.
  const forMs = needsNewPoll(reason) ? Math.max(lookForMs, channel.pollEveryMs + 1000) : lookForMs;
  const untilMs = now() + forMs;
  let looks = 0;
  while (!(await lock.take(leaseMs))) {
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    const [current] = await store.records.get([stored.id]);
    if (!current) return poll.record;
    const seen = decodeRecord('verification', current);
    const isPolled = !needsNewPoll(reason) && current.version !== stored.version;
    // The looks are counted too, so that a clock that is set back cannot make this wait endless.
    looks += 1;
    const isOver = now() >= untilMs || looks * lookEveryMs >= forMs;
    if (seen.status !== poll.record.status || isPolled || isOver) return seen;
  }

  onTurn();
  const stopRenewing = keepRenewing(lock);
  const sent: Sent = { atMs: now(), isSent: false };
  try {
    // Another replica may have polled since this one read the record.
    const [current] = await store.records.get([stored.id]);
    const seen = current ? decodeRecord('verification', current) : null;
    if (!current || !seen || !awaitsOutcome(seen) || seen.session === null) {
      return seen ?? poll.record;
    }
    const isPolled = !needsNewPoll(reason) && current.version !== stored.version;
    return isPolled
      ? seen
      : await sendPoll(deps, { ...poll, stored: current, record: seen }, sent, () =>
          // If the store does not respond, the poll is sent anyway: a poll costs nothing.
          lock.renew(leaseMs).catch(() => true),
        );
  } finally {
    stopRenewing();
    await keepUntilNext(deps, lock, channel, sent);
  }
}

/**
 * A background poll has the lowest priority. It takes the lock only at the moment of sending, so that a poll
 * that waits for its slot holds up no other request. If another request holds the lock, nothing is sent.
 */
async function pollInBackground(deps: PollDeps, poll: Poll): Promise<VerificationRecord> {
  const lock = lockOf(deps, poll.stored.id);
  const sent: Sent = { atMs: deps.now(), isSent: false };
  const renewing: (() => void)[] = [];
  const hold = async (): Promise<boolean> => {
    if (renewing.length > 0) return lock.renew(leaseMs);
    const isHeld = await lock.take(leaseMs);
    if (isHeld) renewing.push(keepRenewing(lock));
    return isHeld;
  };
  try {
    return await sendPoll(deps, poll, sent, hold);
  } finally {
    for (const stop of renewing) stop();
    if (renewing.length > 0) await keepUntilNext(deps, lock, poll.channel, sent);
  }
}

function lockOf(deps: Random & KeySpace & Storage, id: string): Lock {
  const keys = keyedHashes(deps.hashKeys, 'ask', [modeOf(deps), id]);
  return holdLock(deps.store.locks, keys, deps.randomBytes(16).toString('base64url'));
}

/** Best effort: the lock expires by itself. */
async function keepUntilNext(
  { now }: Clock,
  lock: Lock,
  { pollEveryMs }: ChannelDefinition<unknown>,
  { atMs }: Sent,
): Promise<void> {
  const leftMs = Math.round(atMs + pollEveryMs - now());
  const isKept = leftMs > 0 && (await lock.renew(leftMs).catch(() => false));
  if (!isKept) await lock.release();
}

/** When the last call was sent, and whether one was. */
interface Sent {
  atMs: number;
  isSent: boolean;
}

async function sendPoll(
  deps: PollDeps,
  { stored, record, provider, channel, fetchOutcome, reason }: Poll,
  sent: Sent,
  /** Takes or renews the lock at the moment of sending. False if another request holds it. */
  hold: () => Promise<boolean>,
): Promise<VerificationRecord> {
  let isHeldByOther = false;
  const calls: RecordedCall[] = [];
  try {
    // The provider gets its full time even if the caller has little. Otherwise a short deadline would count as
    // a fault of the provider.
    const deadlineMs = deps.now() + pollTimeoutMs;
    const isBackground = reason === 'reconcile';
    const callTerms = {
      priority: isBackground ? ('reconcile' as const) : ('result' as const),
      deadlineMs,
      turnByMs: isBackground ? deps.now() + reconcileTurnWithinMs : undefined,
      recordId: record.id,
      onCall: (made: RecordedCall) => calls.push(made),
      beforeSend: [
        async () => {
          isHeldByOther = !(await hold());
          if (isHeldByOther) throw new ProviderFault('not_sent');
          sent.atMs = deps.now();
          sent.isSent = true;
        },
      ],
    };
    const call = callProvider(deps, provider, callTerms, readsOnly);
    const hasReturned = record.hasReturned || reason === 'came_back';
    const isOver = record.expiresAtMs !== null && deps.now() >= record.expiresAtMs;
    const asking: Promise<OutcomeAnswer | null> = fetchOutcome(call, record.session ?? {}, {
      hasReturned,
      isOver,
    });
    const answer = await withTimeout<OutcomeAnswer | null>(
      deadlineMs - deps.now(),
      asking,
      () => null,
    );
    if (!answer) throw new ProviderFault('timeout');
    const terms = {
      ...{ nowMs: deps.now(), askedMs: sent.atMs },
      ...{ graceSeconds: channel.graceSeconds, evidence: 'QUERIED' as const },
    };
    const told = {
      answer: checkAnswer(answer, deps),
      terms,
      askedAtMs: sent.atMs,
      calls,
      hasReturned,
    };
    const learnt = await learnOutcome(deps, stored, told);
    if (learnt.status === 'UNDETERMINED' && learnt.outcome?.reason === 'OTHER') {
      deps.log.event('warn', 'outcome_unknown_code', {
        provider: record.providerId,
        code: learnt.outcome.code ?? '',
      });
    }
    return learnt;
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    const isExpected = error instanceof ProviderFault || error instanceof LimiterRefusal;
    if (!isExpected) logBug(deps.log, `${record.providerId} ${record.channel} fetchOutcome`, error);
    // A background poll that was not sent, or a poll that another replica took over, changes nothing.
    if (!sent.isSent && (reason === 'reconcile' || isHeldByOther)) return record;
    if (record.status !== 'PENDING') return record;
    // The write shows the waiting requests that the poll failed.
    const asked = {
      ...{ lastAskedAtMs: sent.atMs, calls: addCalls(record.calls, calls) },
      hasReturned: record.hasReturned || reason === 'came_back',
    };
    return write(deps, stored, { ...record, ...asked });
  }
}

/** If another request has written in between, its record stays, because its status may be terminal. */
async function write(
  deps: WriteDeps,
  stored: StoredRecord,
  record: VerificationRecord,
): Promise<VerificationRecord> {
  const written = await writeVerification(deps, stored, record);
  if (written) return written;
  const [newer] = await deps.store.records.get([record.id]);
  return newer ? decodeRecord('verification', newer) : record;
}
