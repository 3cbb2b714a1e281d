import assert from 'node:assert/strict';
import type { ActionEffect } from '../../contract/index.ts';
import type { Problem } from '../../core/problem.ts';
import { onBench, type Bench, type BenchTerms } from '../create-bench.ts';
import { group, skip, type Check, type Group } from '../group.ts';
import { wireFaults, type WireFault } from '../recorded-upstream.ts';
import { afterStart, answeredCards, answeredStarts } from '../run-case.ts';
import type { ConformanceSubject, RecordedAnswer } from '../subject.ts';

/** What a caller is told, by what the call could have done. A broken read leaves things as they are. */
const due = {
  may_charge: { code: 'OUTCOME_UNKNOWN', billing: 'UNKNOWN', retry: 'NEW_KEY' },
  free_start: { code: 'PROVIDER_UNAVAILABLE', billing: 'NOT_CHARGED', retry: 'SAME_KEY' },
} as const satisfies Record<Exclude<ActionEffect, 'read'>, Partial<Problem>>;

/**
 * Refused, silent, broken off, HTML, empty, truncated, redirecting, huge answers and a status of 500:
 * each is the fault that it is, and its billing follows the effect of the action.
 */
export function brokenAnswersGroup(subject: ConformanceSubject): Group {
  const operations = operationsOf(subject);
  if (operations.length === 0) return skip('broken answers', 'no case of the subject is answered');
  return group(
    'broken answers',
    operations.flatMap((operation) =>
      wireFaults.map((fault): Check => ({
        title: `${operation.title}: ${fault}`,
        run: () => operation.run(fault),
      })),
    ),
  );
}

interface Operation {
  readonly title: string;
  readonly run: (fault: WireFault) => Promise<void>;
}

function operationsOf(subject: ConformanceSubject): readonly Operation[] {
  const { provider, outcomes = [] } = subject;
  const firstOf = <T extends { readonly channel: string }>(cases: readonly T[]): readonly T[] =>
    Object.keys(provider.channels).flatMap((name) =>
      cases.filter(({ channel }) => channel === name).slice(0, 1),
    );
  return [
    ...firstOf(answeredStarts(subject)).map((each) => ({
      title: `${each.channel}, start`,
      run: (fault: WireFault) =>
        claimed(subject, each, fault, async (bench) => {
          const outcome = await bench.start(each);
          return outcome.kind === 'problem' ? outcome.problem : null;
        }),
    })),
    ...firstOf(outcomes.filter(({ expect }) => expect !== 'not_told')).map((each) => ({
      title: `${each.channel}, outcome`,
      run: (fault: WireFault) => {
        const start = provider.channels[each.channel]?.action;
        const isRead = (action: string): boolean =>
          action !== start && provider.actions[action]?.effect === 'read';
        let isStarted = false;
        const wire = (action: string): WireFault | undefined =>
          isStarted && isRead(action) ? fault : undefined;
        return afterStart(subject, each, { wire }, async (bench, id) => {
          isStarted = true;
          const { status } = await bench.ask(id);
          assert.ok(bench.observed.calls.length > 0, 'it asks nobody');
          assert.equal(status, 'PENDING', 'a read that failed says nothing about the person');
          assert.deepEqual(bench.observed.outcomes, [], 'a broken answer was understood');
        });
      },
    })),
    ...answeredCards(subject)
      .slice(0, 1)
      .map((each) => ({
        title: 'bank card',
        run: (fault: WireFault) =>
          claimed(subject, each, fault, async (bench) => {
            const outcome = await bench.check(each);
            return outcome.kind === 'problem' ? outcome.problem : null;
          }),
      })),
  ];
}

/** Each action of the operation in turn meets the fault. */
async function claimed(
  subject: ConformanceSubject,
  terms: BenchTerms,
  fault: WireFault,
  run: (bench: Bench) => Promise<Problem | null>,
): Promise<void> {
  const { settings, answers } = terms;
  const calls = await onBench(subject, { settings, answers }, async (bench) => {
    await run(bench);
    return [...bench.observed.calls];
  });
  for (const [at, action] of calls.entries()) {
    const isPaid = calls.slice(0, at).some((each) => effectOf(subject, each) === 'may_charge');
    const isPaying = effectOf(subject, action) === 'may_charge' && fault !== 'refused';
    const wire = (each: string): WireFault | undefined => (each === action ? fault : undefined);
    await onBench(subject, { settings, answers, wire }, async (bench) => {
      const problem = await run(bench);
      assert.ok(problem, `${action} was not answered, and it succeeds all the same`);
      const { code, billing, retry } = problem;
      const expected = isPaid || isPaying ? due.may_charge : due.free_start;
      assert.deepEqual({ code, billing, retry }, expected, action);
    });
    if (fault === 'status 500') {
      const good = [answers?.[action] ?? []].flat() as readonly RecordedAnswer[];
      await onBench(
        subject,
        {
          settings,
          answers: { ...answers, [action]: good.map((each) => ({ ...each, status: 500 })) },
        },
        async (bench) =>
          assert.ok(await run(bench), `${action}: an answer with HTTP 500 is believed`),
      );
    }
  }
}

function effectOf({ provider }: ConformanceSubject, action: string): ActionEffect | undefined {
  return provider.actions[action]?.effect;
}
