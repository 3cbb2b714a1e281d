import {
  LimiterRefusal,
  ProviderFault,
  StoreUnavailable,
  type ActionEffect,
  type ClaimTaken,
} from '../contract/index.ts';
import { providerTimeoutMs, type CallTerms } from './call-provider.ts';
import type { ClaimNames } from './claim-names.ts';
import { claimUnderKeys, type ClaimTickets, type ClaimUnderKeys } from './claim-under-keys.ts';
import type { CoreDeps } from './core-deps.ts';
import { faultPolicies } from './fault-policy.ts';
import { logBug } from './log-bug.ts';
import { orByDeadline } from './or-by-deadline.ts';
import { problem, type Problem } from './problem.ts';
import { encodeRecord, skeletonKeepSeconds, type AnyRecord } from './records.ts';

/** Longer than any operation, so that nobody takes over from somebody who still works. */
const leaseMs = 10_000;
/** From STARTED to the latest possible answer. */
const answerWithinMs = providerTimeoutMs + 2000;
const keepClaimSeconds = 24 * 3600;
/** An operation settles within 9 s; what is left over carries the answer home. */
export const operationTimeoutMs = 9000;
const workTimeoutMs = 8700;
const otherReplicaPollMs = 100;
/** How long a provider's limit is waited for while another provider could serve. */
const turnBeforeOthersMs = 1000;

/** Why the next provider of a route is asked. A refusal of the request is the same for all. */
const passedOver: readonly Problem['code'][] = [
  'PROVIDER_UNAVAILABLE',
  'RATE_LIMITED',
  'PROVIDER_QUOTA_EXHAUSTED',
];

/** One provider that can do the work. */
export interface ClaimedAttempt<Answer> {
  readonly providerId: string;
  readonly effect: Exclude<ActionEffect, 'read'>;
  /** Calls the provider, once. */
  readonly perform: (terms: CallTerms) => Promise<Answer>;
}

export interface ClaimedWork<Answer> {
  readonly operation: 'startVerification' | 'checkBankCard';
  readonly names: ClaimNames;
  /** The record that the claim points to, still invisible; written before the claim is taken. */
  readonly skeleton: AnyRecord;
  /** Until when this caller waits. */
  readonly deadlineMs: number;
  /** The first serves; a later one only where the one before it has certainly done nothing. */
  readonly attempts: readonly [ClaimedAttempt<Answer>, ...ClaimedAttempt<Answer>[]];
  /** The record with its answer. */
  readonly fill: (answer: Answer) => AnyRecord;
  /** Whether an answer that could not be kept is handed out all the same. */
  readonly handOutUnkept: boolean;
}

export type ClaimedOutcome<Answer> =
  | {
      readonly kind: 'answered';
      readonly recordId: string;
      readonly answer: Answer;
      readonly stored: boolean;
    }
  | { readonly kind: 'replayed'; readonly recordId: string }
  | { readonly kind: 'problem'; readonly problem: Problem };

/**
 * The life of a claim: at most one upstream call per key, through duplicates, crashes and lost
 * answers. The table of states is in docs/claims.md.
 *
 * The work goes on when its caller has left: a call that was sent is never given up.
 */
export async function runClaimed<Answer>(
  deps: CoreDeps,
  work: ClaimedWork<Answer>,
): Promise<ClaimedOutcome<Answer>> {
  const { skeleton } = work;
  // Nobody would hear the answer: not even the claim is taken.
  if (deps.now() >= work.deadlineMs) return fail('OVERLOADED', work);
  try {
    await deps.store.records.create(skeleton.id, encodeRecord(skeleton), skeletonKeepSeconds);
    return await takeOrJoin(deps, work);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    deps.log.event('error', 'store_unavailable', { operation: work.operation });
    return { kind: 'problem', problem: problem('STORE_UNAVAILABLE') };
  }
}

async function takeOrJoin<Answer>(
  deps: CoreDeps,
  work: ClaimedWork<Answer>,
): Promise<ClaimedOutcome<Answer>> {
  const claim = claimUnderKeys(deps.store.claims, work.names);
  const [{ key }] = work.names;
  for (;;) {
    const taken = await claim.take({
      recordId: work.skeleton.id,
      owner: deps.randomBytes(16).toString('base64url'),
      effect: strongestEffect(work.attempts),
      leaseMs,
    });
    deps.metrics.claim(work.operation, taken.state);
    if (taken.state === 'won')
      return waitFor(deps, work, beginWork(deps, work, { claim, tickets: taken.tickets }));

    const isWorkedOn = taken.state === 'claimed' || taken.state === 'started';
    const leader = isWorkedOn ? deps.inFlight.get(key) : undefined;
    const hasTime = deps.now() + otherReplicaPollMs < work.deadlineMs;
    if (isWorkedOn && !leader && hasTime) {
      // The skeleton stays: the key may be free, and ours, the next time.
      await sleep(otherReplicaPollMs);
      continue;
    }
    await dropSkeleton(deps, work);
    // The fingerprints are equal, so the leader's answer has this type.
    if (leader) return waitFor(deps, work, leader as Promise<ClaimedOutcome<Answer>>);
    if (taken.state === 'done') return { kind: 'replayed', recordId: taken.recordId };
    return fail(problemOfState[taken.state], work);
  }
}

/** A claim that was won, and what moves it on. */
interface HeldClaim {
  readonly claim: ClaimUnderKeys;
  readonly tickets: ClaimTickets;
}

const problemOfState = {
  claimed: 'IN_PROGRESS',
  started: 'IN_PROGRESS',
  mismatch: 'IDEMPOTENCY_MISMATCH',
  unknown: 'OUTCOME_UNKNOWN',
  lapsed: 'PROVIDER_UNAVAILABLE',
} as const satisfies Record<Exclude<ClaimTaken['state'], 'won' | 'done'>, Problem['code']>;

function beginWork<Answer>(
  deps: CoreDeps,
  work: ClaimedWork<Answer>,
  held: HeldClaim,
): Promise<ClaimedOutcome<Answer>> {
  const [{ key }] = work.names;
  const outcome: Promise<ClaimedOutcome<Answer>> = lead(deps, work, held)
    .then(async (settled) => {
      if (settled.kind === 'problem') await dropSkeleton(deps, work);
      return settled;
    })
    .finally(() => {
      if (deps.inFlight.get(key) === outcome) deps.inFlight.delete(key);
    });
  deps.inFlight.set(key, outcome);
  // Everybody may have left by the time it fails.
  outcome.catch(() => {});
  return outcome;
}

function waitFor<Answer>(
  deps: CoreDeps,
  work: ClaimedWork<Answer>,
  outcome: Promise<ClaimedOutcome<Answer>>,
): Promise<ClaimedOutcome<Answer>> {
  return orByDeadline(deps.now, work.deadlineMs, outcome, () => fail('IN_PROGRESS', work));
}

async function lead<Answer>(
  deps: CoreDeps,
  work: ClaimedWork<Answer>,
  held: HeldClaim,
): Promise<ClaimedOutcome<Answer>> {
  const deadlineMs = deps.now() + workTimeoutMs;
  const progress = { started: false };
  for (const [at, attempt] of work.attempts.entries()) {
    const isLast = at === work.attempts.length - 1;
    let sent = false;
    let answer: Answer;
    try {
      answer = await attempt.perform({
        priority: 'start',
        deadlineMs,
        turnByMs: isLast ? undefined : deps.now() + turnBeforeOthersMs,
        beforeSend: async (effect, sending) => {
          // A second call could end in "not sent" and free a key whose first call was sent.
          if (sent && sending === 'first') throw new Error('a claimed call must be the last one');
          if (effect === 'read') return;
          await startClaim(deps, held, progress, deadlineMs);
          sent = true;
        },
      });
    } catch (error) {
      if (!isLast && mayPassOver(attempt, error)) continue;
      return settleFault(deps, work, attempt, held, error, sent);
    }
    return settleAnswer(deps, work, attempt, held, answer);
  }
  throw new Error('no attempt ended');
}

/** Confirms STARTED in the store; throws when nothing may be sent. */
async function startClaim(
  deps: CoreDeps,
  held: HeldClaim,
  progress: { started: boolean },
  deadlineMs: number,
): Promise<void> {
  const { claim, tickets } = held;
  const latestMs = deadlineMs - providerTimeoutMs / 2;
  if (deps.now() >= latestMs) throw new ProviderFault('not_sent');
  const times = { answerWithinMs, keepSeconds: keepClaimSeconds };
  const isOurs = await (progress.started
    ? claim.startAgain(tickets, times)
    : claim.start(tickets, times));
  // Whoever was paused until the claim went to somebody else must not send.
  if (!isOurs || deps.now() >= latestMs) throw new ProviderFault('not_sent');
  progress.started = true;
}

/** Down, throttled or out of quota, with certainty that nothing chargeable has happened. */
function mayPassOver({ effect }: ClaimedAttempt<unknown>, error: unknown): boolean {
  if (error instanceof LimiterRefusal) return true;
  if (!(error instanceof ProviderFault)) return false;
  const policy = faultPolicies[effect][error.kind];
  return policy.claim === 'release' && passedOver.includes(policy.problem);
}

async function settleAnswer<Answer>(
  deps: CoreDeps,
  work: ClaimedWork<Answer>,
  { effect }: ClaimedAttempt<Answer>,
  held: HeldClaim,
  answer: Answer,
): Promise<ClaimedOutcome<Answer>> {
  const { claim, tickets } = held;
  const stored =
    (await quietly(deps, keep(deps, work, answer))) &&
    (await quietly(deps, claim.settle(tickets, 'done', keepClaimSeconds)));
  if (!stored) deps.log.event('error', 'outcome_not_stored', { record: work.skeleton.id });
  if (!stored && !work.handOutUnkept) {
    if (effect === 'free_start') {
      await quietly(deps, claim.release(tickets));
      return { kind: 'problem', problem: problem('STORE_UNAVAILABLE') };
    }
    // It was paid for: the key must not be free again.
    await quietly(deps, claim.settle(tickets, 'unknown', keepClaimSeconds));
    return fail('OUTCOME_UNKNOWN', work);
  }
  return { kind: 'answered', recordId: work.skeleton.id, answer, stored };
}

async function keep<Answer>(
  deps: CoreDeps,
  work: ClaimedWork<Answer>,
  answer: Answer,
): Promise<boolean> {
  const [stored] = await deps.store.records.get([work.skeleton.id]);
  if (!stored) return false;
  const keepSeconds = deps.retentionDays * 24 * 3600;
  return deps.store.records.replace(stored, encodeRecord(work.fill(answer)), keepSeconds);
}

/** Best effort: a skeleton goes by itself after an hour. */
async function dropSkeleton(
  deps: CoreDeps,
  work: Pick<ClaimedWork<unknown>, 'skeleton'>,
): Promise<void> {
  await deps.store.records.remove(work.skeleton.id).catch(() => {});
}

async function settleFault<Answer>(
  deps: CoreDeps,
  work: ClaimedWork<Answer>,
  { providerId, effect }: ClaimedAttempt<Answer>,
  held: HeldClaim,
  error: unknown,
  sent: boolean,
): Promise<ClaimedOutcome<Answer>> {
  const { claim, tickets } = held;
  if (error instanceof LimiterRefusal) {
    await quietly(deps, claim.release(tickets));
    const code = error.reason === 'overloaded' ? 'OVERLOADED' : 'RATE_LIMITED';
    return { kind: 'problem', problem: problem(code, { retryAfterMs: error.retryAfterMs }) };
  }
  if (error instanceof StoreUnavailable) {
    // STARTED was not confirmed, so nothing was sent.
    await quietly(deps, claim.release(tickets));
    deps.log.event('error', 'store_unavailable', { operation: work.operation });
    return { kind: 'problem', problem: problem('STORE_UNAVAILABLE') };
  }
  if (error instanceof ProviderFault) {
    const policy = faultPolicies[effect][error.kind];
    await quietly(
      deps,
      policy.claim === 'release'
        ? claim.release(tickets)
        : claim.settle(tickets, 'unknown', keepClaimSeconds),
    );
    return {
      kind: 'problem',
      problem: problem(policy.problem, {
        provider: providerId,
        providerCode: error.providerCode ?? null,
        providerRequestId: error.providerRequestId ?? null,
        retryAfterMs: error.retryAfterMs ?? retryAfterMs[policy.problem] ?? null,
      }),
    };
  }
  // A bug. Past the sending of something chargeable it is still "may have been done".
  logBug(deps.log, work.operation, error);
  if (!sent || effect === 'free_start') {
    await quietly(deps, claim.release(tickets));
    throw error;
  }
  await quietly(deps, claim.settle(tickets, 'unknown', keepClaimSeconds));
  return fail('OUTCOME_UNKNOWN', work);
}

/** What a lost answer means while it is not known who of them had it. */
function strongestEffect(
  attempts: readonly ClaimedAttempt<unknown>[],
): ClaimedAttempt<unknown>['effect'] {
  return attempts.some(({ effect }) => effect === 'may_charge') ? 'may_charge' : 'free_start';
}

/** When trying again is worth it, where the provider does not say. */
const retryAfterMs: Partial<Record<Problem['code'], number>> = {
  RATE_LIMITED: 1000,
  PROVIDER_UNAVAILABLE: 2000,
  IN_PROGRESS: 1000,
};

function fail(
  code: Problem['code'],
  work: Pick<ClaimedWork<unknown>, 'skeleton'>,
): { readonly kind: 'problem'; readonly problem: Problem } {
  return {
    kind: 'problem',
    problem: problem(code, {
      provider: work.skeleton.providerId,
      retryAfterMs: retryAfterMs[code] ?? null,
    }),
  };
}

/** For steps whose failure changes nothing that the caller is told: the lease ends them anyway. */
async function quietly(deps: CoreDeps, step: Promise<boolean>): Promise<boolean> {
  try {
    return await step;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) logBug(deps.log, 'claim', error);
    return false;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
