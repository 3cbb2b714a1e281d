import { StoreUnavailable, type ClaimTaken } from '../../ports/index.ts';
import type { ClaimNames } from './claim-names.ts';
import { claimUnderKeys } from './claim-under-keys.ts';
import type {
  Clock,
  InFlight,
  KeySpace,
  Random,
  RecordDeps,
  Storage,
  Telemetry,
} from '../core-deps.ts';
import { earlyNotifications } from '../verifications/early-notifications.ts';
import { leadClaim } from './lead-claim.ts';
import type { HeldClaim, LedOutcome, LedWork } from './claimed-work.ts';
import { withTimeout } from '../with-timeout.ts';
import {
  beforeClaimWasRead,
  failed,
  problem,
  retryLaterMs,
  type Failed,
  type Problem,
} from '../problem.ts';
import { encodeRecord, lifeOfPlaceholder } from '../records/records.ts';
import type { AnyRecord } from '../records/records.ts';
import type { ClaimEffect } from '../upstream/claim-effect.ts';
import { userRecords } from '../records/user-records.ts';

/** Longer than any operation, so that nobody takes over from somebody who still works. */
const leaseMs = 10_000;
/** An operation settles within 9 s as its caller sees it; what is left over carries the answer home. */
export const operationTimeoutMs = 8700;
const otherReplicaPollMs = 100;

export interface ClaimedWork<Answer extends AnyRecord> extends LedWork<Answer> {
  readonly operation: 'startVerification' | 'checkBankCard';
  readonly names: ClaimNames;
  /** The strongest of all who may serve: what counts when a process ends in the middle. */
  readonly effect: ClaimEffect;
  /** Until when this caller waits. */
  readonly deadlineMs: number;
}

export type ClaimedOutcome<Answer> =
  LedOutcome<Answer> | { readonly kind: 'replayed'; readonly recordId: string };

/** How often somebody who joined tries again after whoever it joined came to nothing. */
const mostRounds = 5;

/** How a claim ends that somebody else may still lead to an answer. */
const mayBeTriedAgain: readonly Problem['code'][] = [
  'STORE_UNAVAILABLE',
  'OVERLOADED',
  'IN_PROGRESS',
];

/**
 * The life of a claim: at most one upstream call per key, through duplicates, crashes and lost
 * answers. The table of states is in docs/claims.md.
 *
 * In each process one request works on a key or waits for another replica; equal ones join it. When it
 * came to nothing by trouble of its own, the next one tries.
 *
 * The work goes on when its caller has left: a call that was sent is never given up.
 */
export async function runClaimed<Answer extends AnyRecord>(
  deps: RecordDeps & Telemetry & InFlight,
  work: ClaimedWork<Answer>,
): Promise<ClaimedOutcome<Answer>> {
  const place = inFlightPlace(work);
  for (let round = 1; ; round++) {
    // The caller's time is over, so the claim is not taken.
    if (deps.now() >= work.deadlineMs) return failBeforeClaim('OVERLOADED', work);
    // The fingerprints are equal, so its answer has this type.
    const known = deps.inFlight.get(place) as Promise<ClaimedOutcome<Answer>> | undefined;
    if (!known) return waitFor(deps, work, register(deps, place, takeOrFollow(deps, work)));
    const joined = await waitFor(deps, work, known);
    const isOver = joined.kind !== 'problem' || !mayBeTriedAgain.includes(joined.problem.code);
    if (isOver || round === mostRounds || deps.now() >= work.deadlineMs) return joined;
  }
}

/** Of a key and its input: the same key with other input is told apart by the claim, and joins nobody. */
function inFlightPlace({
  names: [{ key, fingerprint }],
}: Pick<ClaimedWork<AnyRecord>, 'names'>): string {
  return `${key} ${fingerprint}`;
}

/** From now on, and until it ends, equal requests join it. */
function register<Answer extends AnyRecord>(
  { inFlight }: Pick<InFlight, 'inFlight'>,
  place: string,
  working: Promise<ClaimedOutcome<Answer>>,
): Promise<ClaimedOutcome<Answer>> {
  const outcome: Promise<ClaimedOutcome<Answer>> = working.finally(() => {
    if (inFlight.get(place) === outcome) inFlight.delete(place);
  });
  inFlight.set(place, outcome);
  // Everybody may have left by the time it fails.
  outcome.catch(() => {});
  return outcome;
}

async function takeOrFollow<Answer extends AnyRecord>(
  deps: RecordDeps & Telemetry,
  work: ClaimedWork<Answer>,
): Promise<ClaimedOutcome<Answer>> {
  const { placeholder } = work;
  let held: HeldClaim;
  try {
    // Invisible until its answer is in it; written first, so that a claim never points to nothing.
    await deps.store.records.create(
      placeholder.id,
      encodeRecord(placeholder),
      lifeOfPlaceholder(placeholder, deps),
    );
    // Only then listed: who redacts takes what is listed and not there for something that is gone.
    await userRecords(deps, placeholder, placeholder.kind).add({
      id: placeholder.id,
      atMs: deps.now(),
    });
    const taken = await take(deps, work);
    if (!('tickets' in taken)) {
      await dropPlaceholder(deps, work);
      return taken;
    }
    held = taken;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    deps.log.event('error', 'store_unavailable', { operation: work.operation });
    return failBeforeClaim('STORE_UNAVAILABLE', work);
  }
  const settled = await leadClaim(deps, work, held);
  if (settled.kind === 'problem' && !settled.kept) await dropPlaceholder(deps, work);
  return settled;
}

/** Takes the claim; while another replica works on it, waits for what becomes of it. */
async function take<Answer extends AnyRecord>(
  deps: Clock & Random & Telemetry & Storage,
  work: ClaimedWork<Answer>,
): Promise<HeldClaim | ClaimedOutcome<Answer>> {
  const claim = claimUnderKeys(deps.store.claims, work.names);
  // Counted as well: a clock that is set back must not make anybody wait for ever.
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
    const isWorkedOn = taken.state === 'claimed' || taken.state === 'started';
    const hasTime =
      deps.now() + otherReplicaPollMs < work.deadlineMs &&
      polls * otherReplicaPollMs < operationTimeoutMs;
    if (!isWorkedOn || !hasTime) return fail(problemOfState[taken.state], work);
    // The placeholder stays: the key may be free, and ours, the next time.
    await sleep(otherReplicaPollMs);
  }
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

/** Best effort: a placeholder goes by itself after an hour. */
async function dropPlaceholder(
  deps: Random & KeySpace & Storage,
  { placeholder }: Pick<ClaimedWork<AnyRecord>, 'placeholder'>,
): Promise<void> {
  const gone = [
    deps.store.records.remove(placeholder.id),
    userRecords(deps, placeholder, placeholder.kind).remove([placeholder.id]),
    earlyNotifications(deps, placeholder.id).forget(),
  ];
  await Promise.allSettled(gone);
}

function fail(
  code: Problem['code'],
  { placeholder, fallbacks }: Pick<ClaimedWork<AnyRecord>, 'placeholder' | 'fallbacks'>,
): Failed {
  // Of several that might have served nobody knows here which one did.
  const provider = fallbacks?.length ? null : placeholder.providerId;
  return failed(problem(code, { provider, retryAfterMs: retryLaterMs(code) }));
}

function failBeforeClaim(
  code: Problem['code'],
  work: Pick<ClaimedWork<AnyRecord>, 'placeholder' | 'fallbacks'>,
): Failed {
  return failed(beforeClaimWasRead(fail(code, work).problem));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
