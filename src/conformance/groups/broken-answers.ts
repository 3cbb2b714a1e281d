import assert from 'node:assert/strict';
import type { ActionEffect } from '../../contract/index.ts';
import type { Problem } from '../../core/problem.ts';
import { onBench, type Bench, type BenchTerms } from '../create-bench.ts';
import { group, skip, type Check, type Group } from '../group.ts';
import { wireFaults, type WireFault } from '../recorded-upstream.ts';
import { afterStart, answeredCards, answeredStarts } from '../run-case.ts';
import type { Answers, ConformanceSubject, OutcomeCase, RecordedAnswer } from '../subject.ts';
import { firstOfChannel } from './unknown-codes.ts';

/** The problem that the caller must get, by what the call may have done. A broken read changes nothing. */
const due = {
  may_charge: { code: 'OUTCOME_UNKNOWN', billing: 'UNKNOWN', retry: 'NEW_KEY' },
  free_start: { code: 'PROVIDER_UNAVAILABLE', billing: 'NOT_CHARGED', retry: 'SAME_KEY' },
} as const satisfies Record<Exclude<ActionEffect, 'read'>, Partial<Problem>>;

const page = '<!doctype html><title>A gateway says hello</title>';

/**
 * The ways in which a response can be broken: by a wire fault, or by an HTTP status that contradicts its
 * body.
 */
const breakages: readonly {
  readonly title: string;
  readonly wire?: WireFault;
  readonly rewrite?: (answer: RecordedAnswer) => RecordedAnswer;
}[] = [
  ...wireFaults.map((wire) => ({ title: wire, wire })),
  ...[500, 503, 404].map((status) => ({
    title: `a good response with HTTP ${status}`,
    rewrite: (answer: RecordedAnswer) => ({ ...answer, status }),
  })),
  ...[404, 503].map((status) => ({
    title: `HTML with HTTP ${status}`,
    rewrite: () => ({ status, headers: { 'content-type': 'text/html' }, body: page }),
  })),
];

type Breakage = (typeof breakages)[number];

/**
 * Refused, silent, broken off, HTML, empty, truncated, redirecting and huge responses, and statuses that
 * contradict the body. Each must become the right fault, and its billing must follow the effect of the
 * action.
 */
export function brokenAnswersGroup(subject: ConformanceSubject): Group {
  const operations = operationsOf(subject);
  if (operations.length === 0)
    return skip('broken answers', 'no case of the subject has a regular response');
  return group(
    'broken answers',
    operations.flatMap(({ title, run }) =>
      breakages.map((breakage): Check => ({
        title: `${title}: ${breakage.title}`,
        run: () => run(breakage),
      })),
    ),
  );
}

interface Operation {
  readonly title: string;
  readonly run: (breakage: Breakage) => Promise<void>;
}

function operationsOf(subject: ConformanceSubject): readonly Operation[] {
  const outcomes = (subject.outcomes ?? []).filter(({ expect }) => expect !== 'not_told');
  return [
    ...firstOfChannel(answeredStarts(subject)).map((each) => ({
      title: `${each.channel}, start`,
      run: (breakage: Breakage) =>
        breakStart(subject, each, breakage, async (bench) => {
          const outcome = await bench.start(each);
          return outcome.kind === 'problem' ? outcome.problem : null;
        }),
    })),
    ...firstOfChannel(outcomes).map((each) => ({
      title: `${each.channel}, outcome`,
      run: (breakage: Breakage) => breakOutcome(subject, each, breakage),
    })),
    ...answeredCards(subject)
      .slice(0, 1)
      .map((each) => ({
        title: 'bank card',
        run: (breakage: Breakage) =>
          breakStart(subject, each, breakage, async (bench) => {
            const outcome = await bench.check(each);
            return outcome.kind === 'problem' ? outcome.problem : null;
          }),
      })),
  ];
}

/** Breaks the response of each action of the operation in turn. */
async function breakStart(
  subject: ConformanceSubject,
  given: BenchTerms,
  { wire, rewrite }: Breakage,
  run: (bench: Bench) => Promise<Problem | null>,
): Promise<void> {
  const { settings } = given;
  const answers = { ...subject.always, ...given.answers };
  const calls = await onBench(subject, { settings, answers }, async (bench) => {
    await run(bench);
    return [...bench.observed.calls];
  });
  for (const [at, action] of calls.entries()) {
    const effectOf = (each: string) => subject.provider.actions[each]?.effect;
    const isPaid = calls.slice(0, at).some((each) => effectOf(each) === 'may_charge');
    const isPaying = effectOf(action) === 'may_charge' && wire !== 'refused';
    const terms = {
      settings,
      answers: rewrite ? rewritten(answers, action, rewrite) : answers,
      wire: (each: string) => (each === action ? wire : undefined),
    };
    await onBench(subject, terms, async (bench) => {
      const problem = await run(bench);
      assertAskedOnce(bench, action);
      // An operation may succeed without a call that only reads.
      if (!problem && effectOf(action) === 'read') return;
      assert.ok(problem, `${action} got a broken response, but the operation succeeds`);
      const { code, billing, retry } = problem;
      const expected = isPaid || isPaying ? due.may_charge : due.free_start;
      const said = `after ${action} callers get ${code}, ${billing}, ${retry}`;
      assert.deepEqual({ code, billing, retry }, expected, `${said}: must be ${expected.code}`);
    });
  }
}

function breakOutcome(
  subject: ConformanceSubject,
  given: OutcomeCase,
  { wire, rewrite }: Breakage,
): Promise<void> {
  const { actions, channels } = subject.provider;
  const start = channels[given.channel]?.action;
  const isRead = (action: string): boolean =>
    action !== start && actions[action]?.effect === 'read';
  const recorded = given.answers ?? {};
  const answers = rewrite
    ? Object.keys(recorded)
        .filter(isRead)
        .reduce((changed, action) => rewritten(changed, action, rewrite), recorded)
    : recorded;
  let isStarted = false;
  const terms = {
    answers,
    wire: (action: string) => (isStarted && isRead(action) ? wire : undefined),
  };
  return afterStart(subject, given, terms, async (bench, id) => {
    isStarted = true;
    const before = bench.observed.calls.length;
    const { status } = await bench.ask(id);
    const asked = bench.observed.calls.slice(before);
    // An outcome that is known without a query cannot be broken.
    if (asked.length === 0 && bench.observed.outcomes.length > 0) return;
    assert.ok(asked.length > 0, 'it sends no query');
    assert.equal(new Set(asked).size, asked.length, 'it repeats the query by itself');
    assert.equal(status, 'PENDING', 'a failed read must leave the verification PENDING');
    const told = bench.observed.outcomes.filter(({ kind }) => kind === 'ended');
    assert.deepEqual(told, [], 'a broken response was accepted');
  });
}

function rewritten(
  answers: Answers,
  action: string,
  rewrite: (answer: RecordedAnswer) => RecordedAnswer,
): Answers {
  const list = [answers[action] ?? []].flat() as readonly RecordedAnswer[];
  return { ...answers, [action]: list.map(rewrite) };
}

function assertAskedOnce({ observed }: Bench, action: string): void {
  const times = observed.calls.filter((each) => each === action).length;
  assert.ok(times <= 1, `it calls ${action} again; only core may retry`);
}
