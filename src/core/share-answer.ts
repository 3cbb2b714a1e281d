import { LimiterRefusal, ProviderFault, StoreUnavailable } from '../contract/index.ts';
import { providerTimeoutMs, type CallTerms } from './call-provider.ts';
import type { CoreDeps } from './core-deps.ts';
import { faultPolicies } from './fault-policy.ts';
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
  /** A keyed hash of whatever makes two questions equal, the user among it. */
  readonly key: string;
  /** An earlier answer that may be given again; null when there is none. */
  readonly recall: () => Promise<Answer | null>;
  /** Asks the provider. */
  readonly ask: (terms: CallTerms) => Promise<Answer>;
  readonly remember: (answer: Answer) => Promise<void>;
}

/** Longer than a leader may work before it sends. */
const leadForMs = 10_000;
/** From STARTED to the latest possible answer: as long as its claim. */
const answerWithinMs = 8000;
const pollMs = 100;
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
  const joinUntilMs = terms.deadlineMs - tellWithinMs;
  for (;;) {
    const known = await question.recall();
    if (known !== null) return known;

    const leader = deps.sharing.get(question.key);
    if (leader) {
      await orByDeadline(deps.now, joinUntilMs, leader, () => undefined);
    } else {
      const owner = deps.randomBytes(16).toString('base64url');
      // Without time for an answer the lead would only be lost.
      const hasTime = deps.now() < terms.deadlineMs - providerTimeoutMs;
      if (hasTime && (await deps.store.locks.take(question.key, owner, leadForMs))) {
        return await lead(deps, terms, question, owner);
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    if (deps.now() >= joinUntilMs) throw new StillInProgress();
  }
}

async function lead<Answer>(
  deps: CoreDeps,
  terms: CallTerms,
  question: SharedQuestion<Answer>,
  owner: string,
): Promise<Answer> {
  const { locks } = deps.store;
  const asking = askAndRemember(deps, terms, question, owner);
  const settled = asking.then(
    () => undefined,
    () => undefined,
  );
  deps.sharing.set(question.key, settled);
  try {
    const answer = await asking;
    await locks.release(question.key, owner).catch(() => false);
    return answer;
  } catch (error) {
    if (provesNothingDone(error)) await locks.release(question.key, owner).catch(() => false);
    throw error;
  } finally {
    if (deps.sharing.get(question.key) === settled) deps.sharing.delete(question.key);
  }
}

async function askAndRemember<Answer>(
  { store }: CoreDeps,
  terms: CallTerms,
  { key, ask, remember }: SharedQuestion<Answer>,
  owner: string,
): Promise<Answer> {
  const answer = await ask({
    ...terms,
    beforeSend: async (effect) => {
      await terms.beforeSend?.(effect);
      // Whoever lost the lead, having been paused, leaves it to the new one.
      if (!(await store.locks.renew(key, owner, answerWithinMs))) {
        throw new ProviderFault('not_sent');
      }
    },
  });
  // It was paid for: whoever asked shall have it, kept or not.
  await remember(answer).catch(() => {});
  return answer;
}

/** Of a call that may be charged. */
export function provesNothingDone(error: unknown): boolean {
  if (error instanceof LimiterRefusal || error instanceof StoreUnavailable) return true;
  return error instanceof ProviderFault && faultPolicies.may_charge[error.kind].claim === 'release';
}
