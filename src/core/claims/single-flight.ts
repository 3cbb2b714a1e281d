import { ProviderFault } from '../../contract/index.ts';
import { latestResponseMs, providerTimeoutMs, type CallTerms } from '../upstream/call-terms.ts';
import type { Clock, InFlight, Random, Storage } from '../core-deps.ts';
import { holdLock, keepRenewing, leaseMs, type Lock } from '../records/hold-lock.ts';
import { withTimeout } from '../with-timeout.ts';
import { StillInProgress } from './still-in-progress.ts';
import { provesNothingDone } from './to-failure.ts';

/** What equal questions share. */
export interface SingleFlightQuestion<Answer> {
  /** Keyed hashes of whatever makes two questions equal, the user among it. */
  readonly keys: readonly [string, ...string[]];
  /** An earlier answer that may be given again; null when there is none. */
  readonly recall: () => Promise<Answer | null>;
  /** Makes an answer to this question of somebody else's to an equal one. */
  readonly adopt: (earlier: Answer) => Answer;
  /** Asks the provider. */
  readonly ask: (terms: CallTerms) => Promise<Answer>;
  readonly remember: (answer: Answer) => Promise<void>;
}

const pollMs = 100;
/** More rounds than fit into an operation: a clock that is set back makes nobody wait for ever. */
const mostRounds = 100;
/** What a joiner keeps to be told in time. */
const tellWithinMs = 500;

/**
 * Of equal questions at the same time one is asked, over all replicas; the others are given its
 * answer. In each process one of them asks, or waits for another replica; the others join it.
 *
 * The lock carries its owner. Until the call is sent it is a short lease; then it ends with the
 * leader's answer-by time: when the leader ended unknown, nobody asks the same before that.
 *
 * Throws `StillInProgress` for who was not answered in time, and what `ask` throws.
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
    if (!leader) return represent(deps, terms, question);
    const told = await withTimeout(joinUntilMs - deps.now(), leader, () => null);
    if (told !== null) return question.adopt(told);
    // It was given an earlier answer, which may be too old for this one; or it came to nothing.
    const known = await question.recall();
    if (known !== null) return question.adopt(known);
  }
  throw new StillInProgress();
}

/** Asks, or waits for another replica that asks, on behalf of everybody in this process. */
async function represent<Answer>(
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
  /** False for one that was remembered. */
  readonly isFresh: boolean;
}

async function leadOrFollow<Answer>(
  deps: Clock & Random & Storage,
  terms: CallTerms,
  question: SingleFlightQuestion<Answer>,
): Promise<Found<Answer>> {
  const joinUntilMs = terms.deadlineMs - tellWithinMs;
  for (let round = 0; round < mostRounds && deps.now() < joinUntilMs; round++) {
    const known = await question.recall();
    if (known !== null) return { answer: known, isFresh: false };
    // Without time for an answer the lead would only be lost.
    const hasTime = deps.now() < terms.deadlineMs - providerTimeoutMs;
    const lock = holdLock(
      deps.store.locks,
      question.keys,
      deps.randomBytes(16).toString('base64url'),
    );
    if (hasTime && (await lock.take(leaseMs))) return lead(terms, question, lock);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new StillInProgress();
}

async function lead<Answer>(
  terms: CallTerms,
  question: SingleFlightQuestion<Answer>,
  lock: Lock,
): Promise<Found<Answer>> {
  const stopRenewing = keepRenewing(lock);
  let isKept = false;
  try {
    // Another leader may have remembered its answer and let go since we looked.
    const known = await question.recall();
    if (known !== null) return { answer: known, isFresh: false };
    const answer = await question.ask({
      ...terms,
      beforeSend: [
        ...terms.beforeSend,
        async () => {
          stopRenewing();
          // From here on the lock has to last as long as a response may come.
          const isOurs = await lock.renew(latestResponseMs);
          // A leader that was paused and lost the lock leaves the call to the new leader.
          if (!isOurs) throw new ProviderFault('not_sent');
        },
      ],
    });
    // What nobody can find is not asked for by everybody in turn: the lock stays to its end.
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
    if (!isKept) await lock.release();
  }
}
