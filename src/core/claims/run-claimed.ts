import { StoreUnavailable, type ClaimTaken, type StoredRecord } from '../../ports/index.ts';
import type { ClaimNames } from './claim-names.ts';
import { claimUnderKeys, type ClaimUnderKeys, type TakenUnderKeys } from './claim-under-keys.ts';
import type {
  CallerLimits,
  Clock,
  InFlight,
  Random,
  RecordDeps,
  Storage,
  Telemetry,
} from '../core-deps.ts';
import { earlyNotifications } from '../verifications/early-notifications.ts';
import type { LedgerDeps } from '../ledger/ledger-entries.ts';
import { leadClaim } from './lead-claim.ts';
import { nowOrLater } from './now-or-later.ts';
import { keepClaimSeconds, type HeldClaim, type LedOutcome, type LedWork } from './claimed-work.ts';
import { withTimeout } from '../with-timeout.ts';
import {
  beforeClaimWasRead,
  failed,
  problem,
  retryLaterMs,
  type Failed,
  type Problem,
} from '../problem.ts';
import { isAnswered } from '../records/is-answered.ts';
import { isOpenRecord } from '../records/is-open-record.ts';
import { encodeRecord, lifeOfPlaceholder } from '../records/records.ts';
import type { AnyRecord } from '../records/records.ts';
import type { ClaimEffect } from '../upstream/claim-effect.ts';
import { userRecords } from '../records/user-records.ts';

/** Longer than any operation, so that no replica takes over a claim whose owner still works. */
const leaseMs = 10_000;
/** A caller gets its result within 9 s. The remaining 300 ms are for the way back. */
export const operationTimeoutMs = 8700;
const otherReplicaPollMs = 100;

export interface ClaimedWork<Answer extends AnyRecord> extends LedWork<Answer> {
  readonly operation: 'startVerification' | 'checkBankCard';
  readonly names: ClaimNames;
  /** The strongest effect of all providers that may serve. It decides if the process ends in between. */
  readonly effect: ClaimEffect;
  /** Until when this caller waits. */
  readonly deadlineMs: number;
}

type ClaimDeps = RecordDeps & Telemetry & LedgerDeps & Pick<CallerLimits, 'refusalsTold'>;

export type ClaimedOutcome<Answer> =
  LedOutcome<Answer> | { readonly kind: 'replayed'; readonly recordId: string };

/** How often a request joins another one before it gives up. */
const mostRounds = 5;

/** Problems of a leader that its joiners need not share: each may try itself. */
const mayBeTriedAgain: readonly Problem['code'][] = [
  'STORE_UNAVAILABLE',
  'OVERLOADED',
  'IN_PROGRESS',
];

/**
 * Runs an operation under a claim: at most one chargeable provider call per key, despite duplicates, crashes
 * and lost responses. The table of states is in docs/claims.md.
 *
 * In each process one request works on a key, or waits for another replica. Equal requests join it. If it
 * fails for a reason of its own, the next one tries.
 *
 * The work continues if its caller leaves: a call that was sent is never abandoned.
 */
export async function runClaimed<Answer extends AnyRecord>(
  deps: ClaimDeps & InFlight,
  work: ClaimedWork<Answer>,
): Promise<ClaimedOutcome<Answer>> {
  const name = inFlightName(work);
  for (let round = 1; ; round++) {
    // The caller's time is over, so no claim is taken.
    if (deps.now() >= work.deadlineMs) return failBeforeClaim('OVERLOADED', work);
    // Key and fingerprint are equal, so the outcome has this type.
    const known = deps.inFlight.get(name) as Promise<ClaimedOutcome<Answer>> | undefined;
    if (!known) return waitFor(deps, work, register(deps, name, takeOrFollow(deps, work)));
    const joined = await waitFor(deps, work, known);
    const isOver = joined.kind !== 'problem' || !mayBeTriedAgain.includes(joined.problem.code);
    if (isOver || round === mostRounds || deps.now() >= work.deadlineMs) return joined;
  }
}

/** A request with the same key and other input joins no other. The claim detects the mismatch. */
function inFlightName({
  names: [{ key, fingerprint }],
}: Pick<ClaimedWork<AnyRecord>, 'names'>): string {
  return `${key} ${fingerprint}`;
}

/** Until this work ends, equal requests join it. */
function register<Answer extends AnyRecord>(
  { inFlight }: Pick<InFlight, 'inFlight'>,
  name: string,
  working: Promise<ClaimedOutcome<Answer>>,
): Promise<ClaimedOutcome<Answer>> {
  const outcome: Promise<ClaimedOutcome<Answer>> = working.finally(() => {
    if (inFlight.get(name) === outcome) inFlight.delete(name);
  });
  inFlight.set(name, outcome);
  // All callers may have left by the time it fails. Without a handler the rejection would end the process.
  outcome.catch(() => {});
  return outcome;
}

async function takeOrFollow<Answer extends AnyRecord>(
  deps: ClaimDeps,
  work: ClaimedWork<Answer>,
): Promise<ClaimedOutcome<Answer>> {
  let held: HeldClaim;
  let placeholder: StoredRecord;
  deps.scopes.concerns(work.placeholder.id);
  try {
    // All in one round trip. Nothing is sent before `startClaim` has read the record.
    const placing = place(deps, work);
    const taking = deps.tracer.span('claim', { record: work.placeholder.id }, () =>
      take(deps, work),
    );
    work.first.prefetch?.();
    const [placed, taken] = await Promise.allSettled([placing, taking]);
    if (taken.status === 'rejected') throw taken.reason;
    if (!('tickets' in taken.value)) {
      // Beside the response: no caller can see the placeholder, and it expires by itself.
      void dropPlaceholder(deps, work);
      return taken.value;
    }
    held = taken.value;
    if (placed.status === 'rejected') {
      const { claim, tickets } = held;
      await nowOrLater(deps, () => claim.release(tickets));
      throw placed.reason;
    }
    placeholder = placed.value;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    deps.log.event('error', 'store_unavailable', { during: work.operation });
    return failBeforeClaim('STORE_UNAVAILABLE', work);
  }
  const settled = await leadClaim(deps, work, { ...held, placeholder });
  if (settled.kind === 'problem' && !settled.kept) await dropPlaceholder(deps, work);
  return settled;
}

/** Writes the record that the claim points to, and lists it. Callers cannot see it yet. */
async function place(
  deps: RecordDeps,
  { placeholder }: Pick<ClaimedWork<AnyRecord>, 'placeholder'>,
): Promise<StoredRecord> {
  const [stored] = await Promise.all([
    deps.store.records.create(
      placeholder.id,
      encodeRecord(placeholder),
      lifeOfPlaceholder(placeholder, deps),
    ),
    userRecords(deps, placeholder, placeholder.kind).add({
      id: placeholder.id,
      atMs: deps.now(),
    }),
  ]);
  return stored;
}

/** Takes the claim. While another replica works on it, waits for the outcome. */
async function take<Answer extends AnyRecord>(
  deps: Clock & Random & Telemetry & Storage,
  work: ClaimedWork<Answer>,
): Promise<HeldClaim | ClaimedOutcome<Answer>> {
  const claim = claimUnderKeys(deps.store.claims, work.names);
  // The polls are counted too, so that a clock that is set back cannot make this wait endless.
  for (let polls = 0; ; polls++) {
    const taken = await claim.take({
      recordId: work.placeholder.id,
      owner: deps.randomBytes(16).toString('base64url'),
      effect: work.effect,
      leaseMs,
    });
    deps.metrics.claim(work.operation, taken.state);
    if (taken.state === 'won') return { claim, tickets: taken.tickets };
    if (taken.state === 'done') return { kind: 'replayed', recordId: taken.recordId };
    const answeredId = await findAnswer(deps, taken);
    if (answeredId !== null) {
      if (taken.state === 'lapsed') await adoptAgain(deps, claim, work, answeredId);
      return { kind: 'replayed', recordId: answeredId };
    }
    const isWorkedOn = taken.state === 'claimed' || taken.state === 'started';
    const hasTime =
      deps.now() + otherReplicaPollMs < work.deadlineMs &&
      polls * otherReplicaPollMs < operationTimeoutMs;
    if (!isWorkedOn || !hasTime) return fail(problemOfState[taken.state], work);
    // The placeholder stays: the next poll may win the claim.
    await sleep(otherReplicaPollMs);
  }
}

/**
 * The id of the record that holds the response of an unknown claim: its owner stored the record and ended before it
 * could settle the claim. Null if the response did not come.
 */
async function findAnswer(
  { store }: Pick<Storage, 'store'>,
  taken: TakenUnderKeys,
): Promise<string | null> {
  if (taken.state !== 'unknown' && taken.state !== 'lapsed') return null;
  const [stored] = await store.records.get([taken.recordId]);
  return isOpenRecord(stored) && isAnswered(stored) ? taken.recordId : null;
}

/** The claim was released when it was found lapsed. Best effort: if another request has won it, that one works on. */
async function adoptAgain(
  deps: Random,
  claim: ClaimUnderKeys,
  work: Pick<ClaimedWork<AnyRecord>, 'effect'>,
  recordId: string,
): Promise<void> {
  const owner = deps.randomBytes(16).toString('base64url');
  const taken = await claim.take({ recordId, owner, effect: work.effect, leaseMs });
  if (taken.state === 'won') await claim.adopt(taken.tickets, keepClaimSeconds);
}

const problemOfState = {
  claimed: 'IN_PROGRESS',
  started: 'IN_PROGRESS',
  mismatch: 'IDEMPOTENCY_MISMATCH',
  unknown: 'OUTCOME_UNKNOWN',
  lapsed: 'PROVIDER_UNAVAILABLE',
} as const satisfies Record<Exclude<ClaimTaken['state'], 'won' | 'done'>, Problem['code']>;

function waitFor<Answer extends AnyRecord>(
  deps: Clock,
  work: ClaimedWork<Answer>,
  outcome: Promise<ClaimedOutcome<Answer>>,
): Promise<ClaimedOutcome<Answer>> {
  return withTimeout(work.deadlineMs - deps.now(), outcome, () => fail('IN_PROGRESS', work));
}

/** Best effort: a placeholder expires after an hour. */
async function dropPlaceholder(
  deps: RecordDeps,
  { placeholder }: Pick<ClaimedWork<AnyRecord>, 'placeholder'>,
): Promise<void> {
  const gone = [
    deps.store.records.remove(placeholder.id),
    userRecords(deps, placeholder, placeholder.kind).remove([placeholder.id]),
    earlyNotifications(deps, placeholder.id).forget(),
  ];
  await Promise.allSettled(gone);
}

/** What a failure says about its work. */
interface FailingWork {
  readonly placeholder: AnyRecord;
  readonly fallbacks?: readonly unknown[] | undefined;
}

function fail(code: Problem['code'], { placeholder, fallbacks }: FailingWork): Failed {
  // With fallbacks it is not known here which provider was called.
  const provider = fallbacks?.length ? null : placeholder.providerId;
  return failed(problem(code, { provider, retryAfterMs: retryLaterMs(code) }));
}

function failBeforeClaim(code: Problem['code'], work: FailingWork): Failed {
  return failed(beforeClaimWasRead(fail(code, work).problem));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
