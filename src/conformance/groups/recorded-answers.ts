import assert from 'node:assert/strict';
import { assertExpected } from '../assert-expected.ts';
import { assertMatches } from '../assert-matches.ts';
import { assertSoundCardResult, assertSoundOutcome, assertSoundStart } from '../assert-sound.ts';
import { onBench, type Bench } from '../create-bench.ts';
import { explainFault, lastFault } from '../observe-provider.ts';
import { group, skip, type Check, type Group } from '../group.ts';
import type { ReceivedRequest } from '../recorded-upstream.ts';
import { afterStart, askOnce } from '../run-case.ts';
import type {
  BankCardCase,
  ConformanceSubject,
  ExpectedRequest,
  OutcomeCase,
  StartCase,
} from '../subject.ts';

/** Each recorded response must become the stated result, and the right request must be sent for it. */
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
    assertRecorded(bench);
    if ('problems' in expect) return assertProblems(bench, outcome, expect.problems);
    if ('fault' in expect) return assertFault(bench, expect.fault);
    const [started] = bench.observed.started;
    assert.ok(started, `it does not start: ${whyNot(bench, outcome)}`);
    const channel = subject.provider.channels[given.channel];
    assertSoundStart(started, channel?.retentionSeconds ?? 0);
    assertMatches(started, expect, 'what it starts');
    if (outcome.kind !== 'success') return;
    const attested = [...outcome.verification.checks].toSorted();
    const due = [...(checks ?? channel?.checks ?? [])].toSorted();
    assert.deepEqual(
      attested,
      due,
      `a pass attests ${attested.join()}, but should attest ${due.join()}`,
    );
    await assertSent(subject, bench, given.sends);
  });
}

function runOutcome(subject: ConformanceSubject, given: OutcomeCase): Promise<void> {
  return afterStart(subject, given, {}, async (bench, id) => {
    const told = await askOnce(bench, id);
    assertRecorded(bench);
    const { expect } = given;
    if (typeof expect === 'object' && 'fault' in expect) return assertFault(bench, expect.fault);
    assert.ok('answer' in told, `the query fails: ${'fault' in told ? told.fault : ''}`);
    assertSoundOutcome(told.answer);
    assertExpected(told.answer, expect);
    await assertSent(subject, bench, given.sends);
  });
}

function runCard(subject: ConformanceSubject, given: BankCardCase): Promise<void> {
  const { settings, answers, expect } = given;
  return onBench(subject, { settings, answers }, async (bench) => {
    const outcome = await bench.check(given);
    assertRecorded(bench);
    if ('problems' in expect) return assertProblems(bench, outcome, expect.problems);
    if ('fault' in expect) return assertFault(bench, expect.fault);
    const [result] = bench.observed.cardResults;
    assert.ok(result, `it does not check: ${whyNot(bench, outcome)}`);
    assertSoundCardResult(result);
    assertMatches(result, expect, 'the result');
    await assertSent(subject, bench, given.sends);
  });
}

function assertRecorded({ unrecorded }: Bench): void {
  const names = [...unrecorded].join(', ');
  assert.equal(unrecorded.size, 0, `the case has no recorded response for the action ${names}`);
}

type Outcome = Awaited<ReturnType<Bench['start']>> | Awaited<ReturnType<Bench['check']>>;

function whyNot(bench: Bench, outcome: Outcome): string {
  const fields = outcome.kind === 'problem' ? outcome.problem.fields : [];
  const refused = fields.map(({ path, message }) => `${path} ${message}`).join(', ');
  return explainFault(bench.observed) ?? refused;
}

function assertProblems(bench: Bench, outcome: Outcome, paths: readonly string[]): void {
  const found = outcome.kind === 'problem' ? outcome.problem.fields.map(({ path }) => path) : [];
  const seen = [...new Set(found)].toSorted();
  const said = `the wrong fields are ${seen.join(', ') || 'none'}, and should be ${paths.join(', ')}`;
  assert.deepEqual(seen, [...paths].toSorted(), said);
  assert.deepEqual(bench.observed.calls, [], 'an action was called although the input is refused');
}

function assertFault(bench: Bench, kind: string): void {
  const seen = lastFault(bench.observed);
  assert.equal(
    seen,
    kind,
    `it must be the fault ${kind}, but is ${explainFault(bench.observed) ?? 'none'}`,
  );
}

async function assertSent(
  { verifyRequest }: ConformanceSubject,
  { upstream, givenSettings, deps }: Bench,
  sends: Readonly<Record<string, ExpectedRequest>> = {},
): Promise<void> {
  for (const { action, method, path, headers, body } of upstream.received) {
    const request = { action: action ?? '', method, path, headers, body };
    verifyRequest?.({ ...request, settings: givenSettings, nowMs: deps.now() });
  }
  for (const [action, expected] of Object.entries(sends)) {
    const request = upstream.received.find((each) => each.action === action);
    assert.ok(request, `${action} was not called`);
    const { body, form, ...rest } = expected;
    assertMatches(request, rest, action);
    const text = request.body.toString('utf8');
    if (typeof body === 'string') assert.equal(text, body, `the body of ${action} differs`);
    else if (body !== undefined) {
      assertMatches(parsed(text, action), body, `the body of ${action}`);
    }
    if (form) assertMatches(await formOf(request, action), form, `the form of ${action}`);
  }
}

/** The message does not contain the body, which may hold personal data. */
function parsed(body: string, action: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return assert.fail(`the body of ${action} is not JSON: expect a text or a form`);
  }
}

async function formOf(
  { headers, body }: ReceivedRequest,
  action: string,
): Promise<Readonly<Record<string, string>>> {
  const type = headers['content-type'] ?? '';
  const fields: Record<string, string> = {};
  try {
    const form = await new Response(new Uint8Array(body), {
      headers: { 'content-type': type },
    }).formData();
    for (const [name, value] of form) {
      fields[name] = typeof value === 'string' ? value : await value.text();
    }
  } catch {
    assert.fail(`the body of ${action} is not a form; its content-type is ${type || 'missing'}`);
  }
  return fields;
}
