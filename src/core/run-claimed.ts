import { StoreUnavailable, type ActionEffect, type ClaimTaken } from '../contract/index.ts';
import type { ClaimNames } from './claim-names.ts';
import { claimUnderKeys } from './claim-under-keys.ts';
import type { CoreDeps } from './core-deps.ts';
import { earlyNotifications } from './early-notifications.ts';
import { leadClaim, type HeldClaim, type LedOutcome, type LedWork } from './lead-claim.ts';
import { orByDeadline } from './or-by-deadline.ts';
import { problem, retryLaterMs, type Problem } from './problem.ts';
import { encodeRecord, lifeOfSkeleton } from './records.ts';
import { userRecords } from './user-records.ts';

/** Longer than any operation, so that nobody takes over from somebody who still works. */
const leaseMs = 10_000;
/** An operation settles within 9 s; what is left over carries the answer home. */
export const operationTimeoutMs = 9000;
const otherReplicaPollMs = 100;

export interface ClaimedWork<Answer> extends LedWork<Answer> {
  readonly operation: 'startVerification' | 'checkBankCard';
  readonly names: ClaimNames;
  /** The strongest of all who may serve: what counts when a process ends in the middle. */
  readonly effect: Exclude<ActionEffect, 'read'>;
  /** Until when this caller waits. */
  readonly deadlineMs: number;
}

export type ClaimedOutcome<Answer> =
  LedOutcome<Answer> | { readonly kind: 'replayed'; readonly recordId: string };

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
    // Invisible until its answer is in it; written first, so that a claim never points to nothing.
    await deps.store.records.create(
      skeleton.id,
      encodeRecord(skeleton),
      lifeOfSkeleton(skeleton, deps),
    );
    // Only then listed: who redacts takes what is listed and not there for something that is gone.
    await userRecords(deps, skeleton, skeleton.kind).add({ id: skeleton.id, atMs: deps.now() });
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
  // Counted as well: a clock that is set back must not make anybody wait for ever.
  for (let polls = 0; ; polls++) {
    const taken = await claim.take({
      recordId: work.skeleton.id,
      owner: deps.randomBytes(16).toString('base64url'),
      effect: work.effect,
      leaseMs,
    });
    deps.metrics.claim(work.operation, taken.state);
    if (taken.state === 'won') {
      return waitFor(deps, work, beginWork(deps, work, { claim, tickets: taken.tickets }));
    }

    const isWorkedOn = taken.state === 'claimed' || taken.state === 'started';
    const leader = isWorkedOn ? deps.inFlight.get(key) : undefined;
    const hasTime =
      deps.now() + otherReplicaPollMs < work.deadlineMs &&
      polls * otherReplicaPollMs < operationTimeoutMs;
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
  const outcome: Promise<ClaimedOutcome<Answer>> = leadClaim(deps, work, held)
    .then(async (settled) => {
      if (settled.kind === 'problem' && !settled.kept) await dropSkeleton(deps, work);
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

/** Best effort: a skeleton goes by itself after an hour. */
async function dropSkeleton(
  deps: CoreDeps,
  { skeleton }: Pick<ClaimedWork<unknown>, 'skeleton'>,
): Promise<void> {
  const gone = [
    deps.store.records.remove(skeleton.id),
    userRecords(deps, skeleton, skeleton.kind).remove([skeleton.id]),
    earlyNotifications(deps, skeleton.id).forget(),
  ];
  await Promise.allSettled(gone);
}

function fail(
  code: Problem['code'],
  { skeleton, standIns }: Pick<ClaimedWork<unknown>, 'skeleton' | 'standIns'>,
): { readonly kind: 'problem'; readonly problem: Problem } {
  // Of several that might have served nobody knows here which one did.
  const provider = standIns?.length ? null : skeleton.providerId;
  return {
    kind: 'problem',
    problem: problem(code, { provider, retryAfterMs: retryLaterMs(code) }),
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
