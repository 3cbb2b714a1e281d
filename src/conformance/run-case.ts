import assert from 'node:assert/strict';
import type { OutcomeAnswer } from '../contract/index.ts';
import { lastFault, onBench, type Bench, type BenchTerms } from './create-bench.ts';
import type {
  Answers,
  BankCardCase,
  ConformanceSubject,
  NotificationCase,
  OutcomeCase,
  StartCase,
} from './subject.ts';

/** Whether a case is of an operation that the provider answers well. */
export function isAnswered({ expect }: StartCase | BankCardCase): boolean {
  return !('problems' in expect) && !('fault' in expect);
}

export function answeredStarts({ starts = [] }: ConformanceSubject): readonly StartCase[] {
  return starts.filter(isAnswered);
}

export function answeredCards({ bankCards = [] }: ConformanceSubject): readonly BankCardCase[] {
  return bankCards.filter(isAnswered);
}

/** The start that comes before an outcome or a notification. */
export function startBefore(
  subject: ConformanceSubject,
  { title, channel, after }: OutcomeCase | NotificationCase,
): StartCase {
  const start = answeredStarts(subject).find((each) =>
    after === undefined ? each.channel === channel : each.title === after,
  );
  assert.ok(start, `"${title}" needs a start of ${channel} that is answered`);
  return start;
}

/** On a bench where a verification was started. */
export function afterStart<T>(
  subject: ConformanceSubject,
  given: OutcomeCase | NotificationCase,
  terms: Pick<BenchTerms, 'wire'> & { readonly answers?: Answers },
  work: (bench: Bench, id: string) => Promise<T>,
): Promise<T> {
  const start = startBefore(subject, given);
  const answers = { ...start.answers, ...given.answers, ...terms.answers };
  const settings = { ...start.settings, ...given.settings };
  return onBench(subject, { ...terms, settings, answers }, async (bench) => {
    const started = await bench.start(start);
    assert.equal(started.kind, 'success', `its start fails: ${lastFault(bench.observed)}`);
    if (started.kind !== 'success') throw new Error('unreachable');
    return work(bench, started.verification.id);
  });
}

/** What asking brought: an answer, or the kind of a fault. */
export async function askOnce(
  bench: Bench,
  id: string,
): Promise<{ readonly answer: OutcomeAnswer } | { readonly fault: string }> {
  await bench.ask(id);
  const answer = bench.observed.outcomes.at(-1);
  return answer ? { answer } : { fault: lastFault(bench.observed) ?? 'nobody was asked' };
}

/** Whether a channel is asked under these settings, so that recorded answers can be met. */
export function isPass(given: OutcomeCase): boolean {
  const { expect } = given;
  return typeof expect === 'object' && 'status' in expect && expect.status === 'PASSED';
}
