import { ProviderFault } from '../../contract/index.ts';
import { latestResponseMs, providerTimeoutMs, type CallTerms } from '../upstream/call-terms.ts';
import type { Clock, InFlight, Random, Storage } from '../core-deps.ts';
import { holdLock, keepRenewing, leaseMs, type Lock } from '../records/hold-lock.ts';
import { withTimeout } from '../with-timeout.ts';
import { StillInProgress } from './still-in-progress.ts';
import { provesNothingDone } from './to-failure.ts';

/** A provider call that equal requests at the same time share. */
export interface SingleFlightQuestion<Answer> {
  /** Keyed hashes of everything that makes two requests equal, including the user. */
  readonly keys: readonly [string, ...string[]];
  /** An earlier result that may be returned again; null if there is none. */
  readonly recall: () => Promise<Answer | null>;
  /** A `recall` that was started before, so that a cache hit needs no lock. */
  readonly recalled?: Promise<Answer | null> | undefined;
  /** Turns the result of an equal request into the result of this one. */
  readonly adopt: (earlier: Answer) => Answer;
  /** Calls the provider. */
  readonly ask: (terms: CallTerms) => Promise<Answer>;
  readonly remember: (answer: Answer) => Promise<void>;
}

const pollMs = 100;
/** More rounds than fit into an operation. A clock that is set back cannot make the wait endless. */
const mostRounds = 100;
/** A joiner stops waiting this long before its deadline, so that its caller still gets a result. */
const tellWithinMs = 500;

/**
 * Of equal requests at the same time, one calls the provider, over all replicas, and the others get its
 * result. In each process one of them leads or waits for another replica, and the others join it.
 *
 * The lock carries its owner. Until the call is sent it has a short lease. From then on it lasts until the
 * latest possible response, so that no equal call is sent while the result of this one is unknown.
 *
 * Throws `StillInProgress` if no result came in time, and what `ask` throws.
 */
export async function singleFlight<Answer>(
  deps: Clock & Random & Storage & InFlight,
  terms: CallTerms,
  question: SingleFlightQuestion<Answer>,
): Promise<Answer> {
  const [key] = question.keys;
  const joinUntilMs = terms.deadlineMs - tellWithinMs;
  for (let round = 0; round < mostRounds && deps.now() < joinUntilMs; round++) {
    const leader = deps.sharing.get(key) as Promise<Answer | null> | undefined;
    if (!leader) return leadInProcess(deps, terms, question);
    const told = await withTimeout(joinUntilMs - deps.now(), leader, () => null);
    if (told !== null) return question.adopt(told);
    // The leader failed, or it found an earlier result, which may be too old for this request.
    const known = await question.recall();
    if (known !== null) return question.adopt(known);
  }
  throw new StillInProgress();
}

/** Leads, or waits for the leader of another replica, on behalf of all equal requests in this process. */
async function leadInProcess<Answer>(
  deps: Clock & Random & Storage & InFlight,
  terms: CallTerms,
  question: SingleFlightQuestion<Answer>,
): Promise<Answer> {
  const [key] = question.keys;
  const working = leadOrFollow(deps, terms, question);
  const shared = working.then(
    ({ answer, isFresh }) => (isFresh ? answer : null),
    () => null,
  );
  deps.sharing.set(key, shared);
  try {
    const { answer, isFresh } = await working;
    return isFresh ? answer : question.adopt(answer);
  } finally {
    if (deps.sharing.get(key) === shared) deps.sharing.delete(key);
  }
}

interface Found<Answer> {
  readonly answer: Answer;
  /** False for an earlier result. */
  readonly isFresh: boolean;
}

async function leadOrFollow<Answer>(
  deps: Clock & Random & Storage,
  terms: CallTerms,
  question: SingleFlightQuestion<Answer>,
): Promise<Found<Answer>> {
  const joinUntilMs = terms.deadlineMs - tellWithinMs;
  const recalled = await question.recalled;
  if (recalled) return { answer: recalled, isFresh: false };
  for (let round = 0; round < mostRounds && deps.now() < joinUntilMs; round++) {
    // A leader without time for a response could only fail.
    const hasTime = deps.now() < terms.deadlineMs - providerTimeoutMs;
    const owner = deps.randomBytes(16).toString('base64url');
    const lock = hasTime ? holdLock(deps.store.locks, question.keys, owner) : null;
    const { isOurs, known } = await takeAndRecall(lock, question);
    if (known !== null) {
      if (isOurs) void lock?.release();
      return { answer: known, isFresh: false };
    }
    if (lock && isOurs) return lead(terms, question, lock);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new StillInProgress();
}

/**
 * In one round trip. Lock and cache entry are in one slot, so the entry is read after the lock was taken: a result
 * that another leader stored before it released the lock is found.
 */
async function takeAndRecall<Answer>(
  lock: Lock | null,
  { recall }: SingleFlightQuestion<Answer>,
): Promise<{ readonly isOurs: boolean; readonly known: Answer | null }> {
  const [taken, known] = await Promise.allSettled([lock?.take(leaseMs) ?? false, recall()]);
  const isOurs = taken.status === 'fulfilled' && taken.value;
  if (taken.status === 'rejected') throw taken.reason;
  if (known.status === 'rejected') {
    if (isOurs) void lock?.release();
    throw known.reason;
  }
  return { isOurs, known: known.value };
}

async function lead<Answer>(
  terms: CallTerms,
  question: SingleFlightQuestion<Answer>,
  lock: Lock,
): Promise<Found<Answer>> {
  const stopRenewing = keepRenewing(lock);
  let isKept = false;
  try {
    const answer = await question.ask({
      ...terms,
      beforeSend: [
        ...terms.beforeSend,
        async () => {
          stopRenewing();
          // From here on the lock must last until the latest possible response.
          const isOurs = await lock.renew(latestResponseMs);
          // A leader that was paused and lost the lock leaves the call to the new leader.
          if (!isOurs) throw new ProviderFault('not_sent');
        },
      ],
    });
    // If the result cannot be stored, the lock stays until it expires. Otherwise each waiting request would
    // call the provider in turn.
    isKept = await question.remember(answer).then(
      () => false,
      () => true,
    );
    return { answer, isFresh: true };
  } catch (error) {
    isKept = !provesNothingDone(error);
    throw error;
  } finally {
    stopRenewing();
    // Beside the response. It never rejects.
    if (!isKept) void lock.release();
  }
}
