import assert from 'node:assert/strict';
import { assertMatches } from '../assert-matches.ts';
import { lastFault, onBench, type Bench } from '../create-bench.ts';
import { group, skip, type Check, type Group } from '../group.ts';
import { afterStart, askOnce } from '../run-case.ts';
import type {
  BankCardCase,
  ConformanceSubject,
  ExpectedRequest,
  OutcomeCase,
  StartCase,
} from '../subject.ts';

/** Each recorded answer becomes what it is stated to mean, and the right request goes out for it. */
export function recordedAnswersGroup(subject: ConformanceSubject): Group {
  const { starts = [], outcomes = [], bankCards = [] } = subject;
  const checks: Check[] = [
    ...starts.map((each) => ({
      title: `${each.channel}, start: ${each.title}`,
      run: () => runStart(subject, each),
    })),
    ...outcomes.map((each) => ({
      title: `${each.channel}, outcome: ${each.title}`,
      run: () => runOutcome(subject, each),
    })),
    ...bankCards.map((each) => ({
      title: `bank card: ${each.title}`,
      run: () => runCard(subject, each),
    })),
  ];
  return checks.length > 0
    ? group('recorded answers', checks)
    : skip('recorded answers', 'the subject has no cases');
}

function runStart(subject: ConformanceSubject, given: StartCase): Promise<void> {
  const { settings, answers, expect, checks } = given;
  return onBench(subject, { settings, answers }, async (bench) => {
    const outcome = await bench.start(given);
    if ('problems' in expect) return assertProblems(bench, outcome, expect.problems);
    if ('fault' in expect) return assertFault(bench, expect.fault);
    const [started] = bench.observed.started;
    assert.ok(started, `it does not start: ${whyNot(bench, outcome)}`);
    assertMatches(started, expect, 'what it starts');
    assert.ok(started.expiresInSeconds > 0, 'expiresInSeconds must be above 0');
    if (outcome.kind !== 'success') return;
    const due = checks ?? subject.provider.channels[given.channel]?.checks ?? [];
    assert.deepEqual([...outcome.verification.checks].toSorted(), [...due].toSorted());
    assertSent(bench, given.sends);
  });
}

function runOutcome(subject: ConformanceSubject, given: OutcomeCase): Promise<void> {
  return afterStart(subject, given, {}, async (bench, id) => {
    const told = await askOnce(bench, id);
    const { expect } = given;
    if (typeof expect === 'object' && 'fault' in expect) return assertFault(bench, expect.fault);
    assert.ok('answer' in told, `asking fails: ${'fault' in told ? told.fault : ''}`);
    if (typeof expect === 'string') assert.equal(told.answer.kind, expect);
    else {
      assert.equal(told.answer.kind, 'ended', 'it has not ended');
      if (told.answer.kind === 'ended') assertMatches(told.answer.result, expect, 'the result');
    }
    assertSent(bench, given.sends);
  });
}

function runCard(subject: ConformanceSubject, given: BankCardCase): Promise<void> {
  const { settings, answers, expect } = given;
  return onBench(subject, { settings, answers }, async (bench) => {
    const outcome = await bench.check(given);
    if ('problems' in expect) return assertProblems(bench, outcome, expect.problems);
    if ('fault' in expect) return assertFault(bench, expect.fault);
    const [result] = bench.observed.cardResults;
    assert.ok(result, `it does not check: ${whyNot(bench, outcome)}`);
    assertMatches(result, expect, 'the result');
    assertSent(bench, given.sends);
  });
}

type Outcome = Awaited<ReturnType<Bench['start']>> | Awaited<ReturnType<Bench['check']>>;

function whyNot(bench: Bench, outcome: Outcome): string {
  const fields = outcome.kind === 'problem' ? outcome.problem.fields : [];
  const refused = fields.map(({ path, message }) => `${path} ${message}`).join(', ');
  return lastFault(bench.observed) ?? refused;
}

function assertProblems(bench: Bench, outcome: Outcome, paths: readonly string[]): void {
  const found = outcome.kind === 'problem' ? outcome.problem.fields.map(({ path }) => path) : [];
  assert.deepEqual([...new Set(found)].toSorted(), [...paths].toSorted());
  assert.deepEqual(bench.observed.calls, [], 'something was called all the same');
}

function assertFault(bench: Bench, kind: string): void {
  assert.equal(lastFault(bench.observed), kind);
}

function assertSent(
  { upstream }: Bench,
  sends: Readonly<Record<string, ExpectedRequest>> = {},
): void {
  for (const [action, expected] of Object.entries(sends)) {
    const request = upstream.received.find((each) => each.action === action);
    assert.ok(request, `${action} was not called`);
    const { body, ...rest } = expected;
    assertMatches(request, rest, action);
    if (typeof body === 'string') assert.equal(request.body, body);
    else if (body !== undefined) {
      assertMatches(JSON.parse(request.body), body, `the body of ${action}`);
    }
  }
}
