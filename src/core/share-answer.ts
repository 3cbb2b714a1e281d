import { LimiterRefusal, ProviderFault, StoreUnavailable } from '../contract/index.ts';
import { providerTimeoutMs, type CallTerms } from './call-provider.ts';
import type { CoreDeps } from './core-deps.ts';
import { faultPolicies } from './fault-policy.ts';
import { holdLock, type Lock } from './hold-lock.ts';
import { orByDeadline } from './or-by-deadline.ts';

/** Somebody else is asking the same, and was not heard in time. */
export class StillInProgress extends Error {
  override readonly name = 'StillInProgress';

  constructor() {
    super('somebody else is asking the same');
  }
}

/** What equal questions share. */
export interface SharedQuestion<Answer> {
  /** Keyed hashes of whatever makes two questions equal, the user among it. */
  readonly keys: readonly [string, ...string[]];
  /** An earlier answer that may be given again; null when there is none. */
  readonly recall: () => Promise<Answer | null>;
  /** Makes an answer to this question of somebody else's to an equal one. */
  readonly adopt: (earlier: Answer) => Promise<Answer>;
  /** Asks the provider. */
  readonly ask: (terms: CallTerms) => Promise<Answer>;
  readonly remember: (answer: Answer) => Promise<void>;
}

/** Longer than a leader may work before it sends. */
const leadForMs = 10_000;
/** From STARTED to the latest possible answer: as long as its claim. */
const answerWithinMs = 8000;
const pollMs = 100;
/** More polls than fit into an operation: a clock that is set back makes nobody wait for ever. */
const mostPolls = 100;
/** What a joiner keeps to be told in time. */
const tellWithinMs = 500;

/**
 * Of equal questions at the same time one is asked, over all replicas; the others are given its
 * answer. The lock carries its owner, and ends with the leader's answer-by time: when the leader
 * ended unknown, nobody asks the same before that.
 *
 * Throws `StillInProgress` for who was not answered in time, and what `ask` throws.
 */
export async function shareAnswer<Answer>(
  deps: CoreDeps,
  terms: CallTerms,
  question: SharedQuestion<Answer>,
): Promise<Answer> {
  const [key] = question.keys;
  const joinUntilMs = terms.deadlineMs - tellWithinMs;
  for (let polls = 0; polls < mostPolls; polls++) {
    const known = await question.recall();
    if (known !== null) return question.adopt(known);

    const leader = deps.sharing.get(key) as Promise<Answer | null> | undefined;
    if (leader) {
      const told = await orByDeadline(deps.now, joinUntilMs, leader, () => null);
      if (told !== null) return question.adopt(told);
    } else {
      const owner = deps.randomBytes(16).toString('base64url');
      const lock = holdLock(deps.store.locks, question.keys, owner);
      // Without time for an answer the lead would only be lost.
      const hasTime = deps.now() < terms.deadlineMs - providerTimeoutMs;
      if (hasTime && (await lock.take(leadForMs))) {
        // Another leader may have remembered its answer and let go since we looked.
        const answered = await question.recall();
        if (answered === null) return lead(deps, terms, question, lock);
        await lock.release();
        return question.adopt(answered);
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    if (deps.now() >= joinUntilMs) break;
  }
  throw new StillInProgress();
}

async function lead<Answer>(
  deps: CoreDeps,
  terms: CallTerms,
  question: SharedQuestion<Answer>,
  lock: Lock,
): Promise<Answer> {
  const [key] = question.keys;
  const asking = question.ask({
    ...terms,
    beforeSend: async (effect) => {
      await terms.beforeSend?.(effect);
      // Whoever lost the lead, having been paused, leaves it to the new one.
      if (!(await lock.renew(answerWithinMs))) throw new ProviderFault('not_sent');
    },
  });
  const shared = asking.catch(() => null);
  deps.sharing.set(key, shared);
  try {
    const answer = await asking;
    // What nobody can find is not asked for by everybody in turn: the lock stays to its end.
    const isFound = await question.remember(answer).then(
      () => true,
      () => false,
    );
    if (isFound) await lock.release();
    return answer;
  } catch (error) {
    if (provesNothingDone(error)) await lock.release();
    throw error;
  } finally {
    if (deps.sharing.get(key) === shared) deps.sharing.delete(key);
  }
}

/** Of a call that may be charged. */
export function provesNothingDone(error: unknown): boolean {
  if (error instanceof LimiterRefusal || error instanceof StoreUnavailable) return true;
  return error instanceof ProviderFault && faultPolicies.may_charge[error.kind].claim === 'release';
}
