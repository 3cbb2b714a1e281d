import assert from 'node:assert/strict';
import type { OutcomeAnswer } from '../contract/index.ts';
import { checkedElements, findVariant } from '../core/bank-cards/checked-elements.ts';
import { onBench, type Bench, type BenchTerms } from './create-bench.ts';
import { explainFault } from './observe-provider.ts';
import type {
  Answers,
  BankCardCase,
  ConformanceSubject,
  NotificationCase,
  OutcomeCase,
  StartCase,
} from './subject.ts';

/** Whether the case expects a regular response of the provider: neither input problems nor a fault. */
export function isAnswered({ expect }: StartCase | BankCardCase): boolean {
  return !('problems' in expect) && !('fault' in expect);
}

export function answeredStarts({ starts = [] }: ConformanceSubject): readonly StartCase[] {
  return starts.filter(isAnswered);
}

export function answeredCards({ bankCards = [] }: ConformanceSubject): readonly BankCardCase[] {
  return bankCards.filter(isAnswered);
}

/** The action of the variant that serves a case. */
export function actionOfCard({ provider }: ConformanceSubject, { input }: BankCardCase): string {
  const { subject = { name: null, idNumber: null }, phone = null } = input;
  return findVariant(provider, checkedElements({ subject, phone }))?.action ?? '';
}

/** The start that precedes an outcome or a notification. */
export function startBefore(
  subject: ConformanceSubject,
  { title, channel, after }: OutcomeCase | NotificationCase,
): StartCase {
  const start = answeredStarts(subject).find((each) =>
    after === undefined ? each.channel === channel : each.title === after,
  );
  assert.ok(start, `"${title}" needs a start of ${channel} with a regular response`);
  return start;
}

/** Runs `look` on a bench on which a verification was started. */
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
    if (started.kind !== 'success') {
      const { code, fields } = started.problem;
      const paths = fields.map(({ path, message }) => `${path} ${message}`).join(', ');
      return assert.fail(`its start fails: ${explainFault(bench.observed) ?? `${code} ${paths}`}`);
    }
    return work(bench, started.verification.id);
  });
}

/** The result of one query: an outcome, or the kind of a fault. */
export async function askOnce(
  bench: Bench,
  id: string,
): Promise<{ readonly answer: OutcomeAnswer } | { readonly fault: string }> {
  await bench.ask(id);
  const answer = bench.observed.outcomes.at(-1);
  if (answer) return { answer };
  return { fault: explainFault(bench.observed) ?? 'no query was sent: is the outcome QUERY?' };
}

export function isPass({ expect }: Pick<OutcomeCase | NotificationCase, 'expect'>): boolean {
  return typeof expect === 'object' && 'status' in expect && expect.status === 'PASSED';
}
