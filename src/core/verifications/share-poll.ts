import { ProviderFault, type ChannelDefinition, type OutcomeAnswer } from '../../contract/index.ts';
import { LimiterRefusal, StoreUnavailable, type StoredRecord } from '../../ports/index.ts';
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
import { logBug } from '../log-bug.ts';
import { holdLock, keepRenewing, leaseMs, type Lock } from '../records/hold-lock.ts';
import { keyedHashes } from '../records/keyed-hash.ts';
import { addCalls, type RecordedCall } from '../records/recorded-call.ts';
import { decodeRecord, type VerificationRecord } from '../records/records.ts';
import { readsOnly } from '../upstream/call-journal.ts';
import { callProvider } from '../upstream/call-provider.ts';
import type { RegisteredProvider } from '../upstream/registry.ts';
import { withTimeout } from '../with-timeout.ts';
import { checkAnswer } from './check-launch.ts';
import { awaitsOutcome, learnOutcome } from './learn-outcome.ts';
import { writeOrReadNewer, type WriteDeps } from './write-verification.ts';

/**
 * Why a verification is refreshed. `came_back`: the person has just been at the provider, so an earlier poll is
 * of no use. `cancelling`: neither is it before a cancellation. `reconcile`: a background poll.
 */
export type RefreshReason = 'asked' | 'came_back' | 'cancelling' | 'reconcile';

/** Whether an earlier poll is of no use. */
export function needsNewPoll(reason: RefreshReason): boolean {
  return reason === 'came_back' || reason === 'cancelling';
}

/** A verification whose provider is asked. */
export interface Poll {
  readonly stored: StoredRecord;
  readonly record: VerificationRecord;
  readonly provider: RegisteredProvider;
  readonly channel: ChannelDefinition<unknown>;
  readonly fetchOutcome: NonNullable<ChannelDefinition<unknown>['fetchOutcome']>;
  readonly reason: RefreshReason;
}

/** Longer than any caller waits, so that two provider calls in a row have their full time. */
const pollTimeoutMs = 15_000;
/** How often a replica looks for the result of another replica's poll, and for how long. */
const lookEveryMs = 100;
const lookForMs = 3000;
/** How long a background poll waits for a slot. */
const reconcileTurnWithinMs = 2000;
type PollDeps = RecordDeps & CallDeps & Outbox & WriteDeps;

/** One poll at a time in this process. A person who has just come back needs the next one. */
export function sharePoll(deps: OutcomeDeps, poll: Poll): Promise<VerificationRecord> {
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
    const { tenantId } = record;
    const callTerms = {
      priority: isBackground ? ('reconcile' as const) : ('result' as const),
      tenant: { id: tenantId, weight: deps.tenants.rulesOf(tenantId).weight },
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
    return writeOrReadNewer(deps, stored, { ...record, ...asked });
  }
}
