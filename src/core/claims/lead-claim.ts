import { ProviderFault, type ActionEffect } from '../../contract/index.ts';
import { LimiterRefusal, StoreUnavailable, type StoredRecord } from '../../ports/index.ts';
import { providerTimeoutMs, type CallTerms } from '../upstream/call-provider.ts';
import type { ClaimTickets, ClaimUnderKeys } from './claim-under-keys.ts';
import type { CoreDeps } from '../core-deps.ts';
import { faultPolicies } from '../upstream/fault-policy.ts';
import { logBug } from '../log-bug.ts';
import { nowOrLater } from './now-or-later.ts';
import { problem, retryLaterMs, type Problem } from '../problem.ts';
import { StillInProgress } from './single-flight.ts';
import {
  decodeRecord,
  encodeRecord,
  kindOf,
  lifeOf,
  wasAnswered,
  type AnyRecord,
} from '../records/records.ts';

/** One provider that can do the work. */
export interface ClaimedAttempt<Answer> {
  readonly providerId: string;
  readonly effect: Exclude<ActionEffect, 'read'>;
  /** Calls the provider, once; what it throws says no more than is proven (`performOperation`). */
  readonly perform: (terms: CallTerms) => Promise<Answer>;
}

/** What the one who won a claim does with it. */
export interface LedWork<Answer> {
  readonly operation: string;
  /** The record that the claim points to. */
  readonly placeholder: AnyRecord;
  readonly first: ClaimedAttempt<Answer>;
  /**
   * The next providers, in order, each only where the one before has certainly done nothing. Called when
   * it comes to that; null for who cannot do this very work.
   */
  readonly fallbacks?: readonly (() => ClaimedAttempt<Answer> | null)[];
  /** The record with its answer. */
  readonly fill: (answer: Answer) => AnyRecord;
  /** Whether an answer that could not be kept is handed out all the same. */
  readonly handOutUnkept: boolean;
  /** What was waiting for the answer to be kept. */
  readonly onKept?: () => Promise<void>;
}

/** A claim that was won, and what moves it on. */
export interface HeldClaim {
  readonly claim: ClaimUnderKeys;
  readonly tickets: ClaimTickets;
}

export type LedOutcome<Answer> =
  | {
      readonly kind: 'answered';
      readonly recordId: string;
      readonly answer: Answer;
      readonly stored: boolean;
    }
  | {
      readonly kind: 'problem';
      readonly problem: Problem;
      /** The record has its answer, and its claim may point to it after all. */
      readonly kept?: boolean;
    };

/** From STARTED to the latest possible answer. */
const answerWithinMs = providerTimeoutMs + 2000;
const keepClaimSeconds = 24 * 3600;
const workTimeoutMs = 8600;
/** Bytes leave at most so long before the end, or not at all. */
const latestStartMs = 3000;
/** While others could serve: how long a provider's limit, and a free start, are waited for. */
const turnBeforeOthersMs = 1000;
const answerBeforeOthersMs = 3000;
/** What a fallback needs at least for its answer. */
const fallbackAnswerMs = 3500;

/** Why the next provider of a route is asked. A refusal of the request is the same for all. */
const passedOver: readonly Problem['code'][] = [
  'PROVIDER_UNAVAILABLE',
  'RATE_LIMITED',
  'PROVIDER_QUOTA_EXHAUSTED',
];

/**
 * Calls the provider under a claim that was won, and moves the claim on. The one place that decides
 * whether a key is free again: only where it is proven that nothing chargeable was done.
 */
export async function leadClaim<Answer>(
  deps: CoreDeps,
  work: LedWork<Answer>,
  held: HeldClaim,
): Promise<LedOutcome<Answer>> {
  const deadlineMs = deps.now() + workTimeoutMs;
  const progress = { started: false };
  const fallbacks = work.fallbacks ?? [];
  let attempt = work.first;
  for (let next = 0; ;) {
    const ended = await perform(deps, held, attempt, {
      recordId: work.placeholder.id,
      deadlineMs,
      progress,
      isFallback: next > 0,
      isLast: next === fallbacks.length,
    });
    if ('answer' in ended) {
      const { started } = progress;
      return settleAnswer(deps, work, { ...attempt, started }, held, ended.answer);
    }
    let other: ClaimedAttempt<Answer> | null = null;
    if (mayPassOver(attempt, ended)) {
      for (; !other && next < fallbacks.length; next++)
        other = prepare(deps, work, fallbacks[next]);
    }
    const isInTime = deps.now() + fallbackAnswerMs < deadlineMs;
    if (!other || !isInTime) {
      const { started } = progress;
      return settleFailure(deps, work, { ...attempt, started }, held, ended);
    }
    attempt = other;
  }
}

/** A plugin that cannot prepare the input is no fallback. */
function prepare<Answer>(
  { log }: CoreDeps,
  { operation }: LedWork<Answer>,
  fallback: (() => ClaimedAttempt<Answer> | null) | undefined,
): ClaimedAttempt<Answer> | null {
  try {
    return fallback?.() ?? null;
  } catch (error) {
    logBug(log, operation, error);
    return null;
  }
}

/** How an attempt ended without an answer. */
interface Failure {
  readonly error: unknown;
}

async function perform<Answer>(
  deps: CoreDeps,
  held: HeldClaim,
  { effect, perform: call }: ClaimedAttempt<Answer>,
  terms: {
    readonly recordId: string;
    readonly deadlineMs: number;
    readonly progress: { started: boolean };
    readonly isFallback: boolean;
    readonly isLast: boolean;
  },
): Promise<{ readonly answer: Answer } | Failure> {
  const { recordId, deadlineMs, progress, isFallback, isLast } = terms;
  try {
    const answer = await call({
      priority: 'start',
      deadlineMs,
      turnByMs: isLast ? undefined : deps.now() + turnBeforeOthersMs,
      answerWithinMs: isLast || effect === 'may_charge' ? undefined : answerBeforeOthersMs,
      keptForAnswerMs: isFallback ? fallbackAnswerMs : undefined,
      beforeSend: async (called) => {
        if (called === effect) await startClaim(deps, held, { recordId, progress, deadlineMs });
      },
    });
    return { answer };
  } catch (error) {
    return { error };
  }
}

/** Confirms STARTED in the store; throws when nothing may be sent. */
async function startClaim(
  deps: CoreDeps,
  { claim, tickets }: HeldClaim,
  terms: {
    readonly recordId: string;
    readonly progress: { started: boolean };
    readonly deadlineMs: number;
  },
): Promise<void> {
  const { recordId, progress, deadlineMs } = terms;
  const latestMs = deadlineMs - latestStartMs;
  if (deps.now() >= latestMs) throw new ProviderFault('not_sent');
  const times = { answerWithinMs, keepSeconds: keepClaimSeconds };
  const starting = progress.started
    ? claim.startAgain(tickets, times)
    : claim.start(tickets, times);
  const [isOurs, [stored]] = await Promise.all([starting, deps.store.records.get([recordId])]);
  // Whoever was paused until the claim went to somebody else must not send; nor is anything paid for
  // somebody who was redacted in the meantime.
  if (!isOurs || !isOpen(stored) || deps.now() >= latestMs) throw new ProviderFault('not_sent');
  progress.started = true;
}

/** Down, throttled or out of quota, with certainty that nothing chargeable has happened. */
function mayPassOver({ effect }: ClaimedAttempt<unknown>, { error }: Failure): boolean {
  // Who does too much does so whoever serves.
  if (error instanceof LimiterRefusal) return error.reason !== 'over_velocity';
  if (!(error instanceof ProviderFault)) return false;
  const policy = faultPolicies[effect][error.kind];
  return policy.claim === 'release' && passedOver.includes(policy.problem);
}

async function settleAnswer<Answer>(
  deps: CoreDeps,
  work: LedWork<Answer>,
  { effect, providerId, started }: ClaimedAttempt<Answer> & { readonly started: boolean },
  { claim, tickets }: HeldClaim,
  answer: Answer,
): Promise<LedOutcome<Answer>> {
  let kept = false;
  const settle = (): Promise<boolean> =>
    // Nothing was sent for an answer that was there already: such a claim was never started.
    started
      ? claim.settle(tickets, 'done', keepClaimSeconds)
      : claim.adopt(tickets, keepClaimSeconds);
  const keepAndSettle = async (): Promise<boolean> => {
    kept ||= await keep(deps, work, answer);
    // The reply may be lost and the step done: repeating it tells.
    return kept && (await settle().catch(settle));
  };
  const mayHaveCharged = effect === 'may_charge' && started;
  if (work.handOutUnkept || mayHaveCharged) {
    const stored = await nowOrLater(deps, keepAndSettle);
    if (stored) await work.onKept?.();
    else deps.log.event('error', 'outcome_not_stored', { record: work.placeholder.id });
    if (stored || work.handOutUnkept) {
      return { kind: 'answered', recordId: work.placeholder.id, answer, stored };
    }
    await bestEffort(deps, claim.settle(tickets, 'unknown', keepClaimSeconds));
    const unknown = problem('OUTCOME_UNKNOWN', { provider: providerId });
    return { kind: 'problem', problem: unknown, kept: true };
  }
  if (await bestEffort(deps, keepAndSettle())) {
    await work.onKept?.();
    return { kind: 'answered', recordId: work.placeholder.id, answer, stored: true };
  }
  deps.log.event('error', 'outcome_not_stored', { record: work.placeholder.id });
  await nowOrLater(deps, () => claim.release(tickets));
  return { kind: 'problem', problem: problem('STORE_UNAVAILABLE'), kept };
}

async function keep<Answer>(
  deps: CoreDeps,
  { placeholder, fill }: LedWork<Answer>,
  answer: Answer,
): Promise<boolean> {
  const { store } = deps;
  const filled = fill(answer);
  const [stored] = await store.records.get([placeholder.id]);
  // Written before, and only the reply was lost: it may have moved on since.
  if (isOpen(stored) && isAnswered(stored)) return true;
  const isKept =
    isOpen(stored) &&
    (await store.records.replace(stored, encodeRecord(filled), lifeOf(filled, deps))) !== null;
  // Its person was forgotten while the provider was working: nothing is brought back.
  if (!isKept && filled.kind !== 'reused') await store.cache.remove(filled.cacheKeys);
  return isKept;
}

function isAnswered(stored: StoredRecord): boolean {
  const kind = kindOf(stored);
  return kind === 'reused' || wasAnswered(decodeRecord(kind, stored));
}

/** Neither gone nor redacted. */
function isOpen(stored: StoredRecord | null | undefined): stored is StoredRecord {
  if (!stored) return false;
  const kind = kindOf(stored);
  return kind === 'reused' || decodeRecord(kind, stored).redactedAtMs === null;
}

async function settleFailure<Answer>(
  deps: CoreDeps,
  { operation }: LedWork<Answer>,
  { providerId, effect, started }: ClaimedAttempt<Answer> & { readonly started: boolean },
  { claim, tickets }: HeldClaim,
  { error }: Failure,
): Promise<LedOutcome<Answer>> {
  if (error instanceof LimiterRefusal) {
    await nowOrLater(deps, () => claim.release(tickets));
    const code = error.reason === 'overloaded' ? 'OVERLOADED' : 'RATE_LIMITED';
    return { kind: 'problem', problem: problem(code, { retryAfterMs: error.retryAfterMs }) };
  }
  if (error instanceof StillInProgress) {
    await nowOrLater(deps, () => claim.release(tickets));
    return {
      kind: 'problem',
      problem: problem('IN_PROGRESS', { retryAfterMs: retryLaterMs('IN_PROGRESS') }),
    };
  }
  if (error instanceof StoreUnavailable) {
    // STARTED was not confirmed, or no moment of sending: nothing was sent.
    await nowOrLater(deps, () => claim.release(tickets));
    deps.log.event('error', 'store_unavailable', { operation });
    return { kind: 'problem', problem: problem('STORE_UNAVAILABLE') };
  }
  if (error instanceof ProviderFault) {
    const policy = faultPolicies[effect][error.kind];
    if (policy.claim === 'release') await nowOrLater(deps, () => claim.release(tickets));
    else await bestEffort(deps, claim.settle(tickets, 'unknown', keepClaimSeconds));
    return {
      kind: 'problem',
      problem: problem(policy.problem, {
        provider: providerId,
        providerCode: error.providerCode ?? null,
        providerRequestId: error.providerRequestId ?? null,
        retryAfterMs: error.retryAfterMs ?? retryLaterMs(policy.problem),
      }),
    };
  }
  // A bug. After a call that may be charged was begun it proves nothing about that call.
  logBug(deps.log, operation, error);
  if (started && effect === 'may_charge') {
    await bestEffort(deps, claim.settle(tickets, 'unknown', keepClaimSeconds));
    return { kind: 'problem', problem: problem('OUTCOME_UNKNOWN', { provider: providerId }) };
  }
  await nowOrLater(deps, () => claim.release(tickets));
  throw error;
}

/** For steps whose failure changes nothing that the caller is told, and that end by themselves. */
async function bestEffort(deps: CoreDeps, step: Promise<boolean>): Promise<boolean> {
  try {
    return await step;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) logBug(deps.log, 'claim', error);
    return false;
  }
}
