import assert from 'node:assert/strict';
import type { FaultKind, OutcomeAnswer } from '../../contract/index.ts';
import { onBench, type Bench } from '../create-bench.ts';
import { lastFault } from '../observe-provider.ts';
import { group, skip, type Check, type Group } from '../group.ts';
import { alienText, leavesOf, strangersOf, withoutAll } from '../mutate-answer.ts';
import {
  actionOfCard,
  afterStart,
  answeredCards,
  answeredStarts,
  askOnce,
  isPass,
} from '../run-case.ts';
import type {
  Answers,
  BankCardCase,
  ConformanceSubject,
  NotificationCase,
  OutcomeCase,
  RecordedAnswer,
  StartCase,
} from '../subject.ts';
import { readOnce } from './notifications.ts';

const unknownCode = 'ConformanceUnknown';

/** Codes must mean what the table of faults says. A code that no table has is never a pass. */
export function unknownCodesGroup(subject: ConformanceSubject): Group {
  const { provider, outcomes = [], notifications = [] } = subject;
  const operations = operationsOf(subject);
  const [first] = operations;
  if (!first) return skip('unknown codes', 'no case of the subject has a regular response');

  return group('unknown codes', [
    {
      title: `each code of faults becomes its kind (${Object.keys(provider.faults).length})`,
      run: async () => {
        const wrong: string[] = [];
        for (const [code, kind] of Object.entries<FaultKind>(provider.faults)) {
          const seen = await first.faultOf(code);
          if (seen !== kind) wrong.push(`${code} must be ${kind}, and is ${seen}`);
        }
        assert.deepEqual(wrong, [], wrong.join('; '));
      },
    },
    ...operations.map(({ title, faultOf }): Check => ({
      title: `${title}: an unknown error code means that the call may have been performed`,
      run: async () => {
        const seen = await faultOf(unknownCode);
        assert.ok(
          seen === 'internal' || seen === 'protocol',
          `an unknown error code is ${seen}: throw ProviderErrorResponse, and let faults decide`,
        );
      },
    })),
    ...firstOfChannel(outcomes).map((each): Check => ({
      title: `${each.channel}: an error of a query does not end the verification`,
      run: () => assertErrorsEndNothing(subject, each),
    })),
    ...answeredStarts(subject)
      .filter(isPassAtOnce)
      .map((each) =>
        explicit(
          `${each.channel} passes only if the provider says so explicitly: at once, ${each.title}`,
          {
            answers: { ...subject.always, ...each.answers },
            judge: (answers) => judgeStart(subject, each, answers),
          },
        ),
      ),
    ...outcomes.filter(isPass).map((each) =>
      explicit(`${each.channel} passes only if the provider says so explicitly: ${each.title}`, {
        answers: { ...subject.always, ...each.answers },
        judge: (answers) => judgeOutcome(subject, each, answers),
      }),
    ),
    ...answeredCards(subject)
      .filter(({ expect }) => 'outcome' in expect && expect.outcome === 'MATCHED')
      .map((each) =>
        explicit(`a card matches by an explicit word only: ${each.title}`, {
          answers: { ...subject.always, ...each.answers },
          judge: (answers) => judgeCard(subject, each, answers),
        }),
      ),
    ...notifications.filter(isPass).map((each): Check => ({
      title: `${each.channel} passes only if the provider says so explicitly: notified, ${each.title}`,
      run: () => assertExplicitNotification(subject, each),
    })),
  ]);
}

interface Operation {
  readonly title: string;
  /** The kind of fault that an error of the provider becomes. */
  readonly faultOf: (code: string) => Promise<string | null>;
}

/** One of each way to call the provider for the first time. */
function operationsOf(subject: ConformanceSubject): readonly Operation[] {
  const { provider } = subject;
  const operation = (
    title: string,
    action: string,
    given: StartCase | BankCardCase,
    run: (bench: Bench) => Promise<unknown>,
  ): Operation => ({
    title,
    faultOf: (code) => {
      const answers = { ...given.answers, [action]: subject.errorAnswer(code, action) };
      return onBench(subject, { settings: given.settings, answers }, async (bench) => {
        await run(bench);
        return lastFault(bench.observed);
      });
    },
  });
  return [
    ...firstOfChannel(answeredStarts(subject)).map((each) =>
      operation(
        `${each.channel}, start`,
        provider.channels[each.channel]?.action ?? '',
        each,
        (bench) => bench.start(each),
      ),
    ),
    ...firstOfAction(subject).map((each) => {
      const action = actionOfCard(subject, each);
      return operation(`bank card, ${action}`, action, each, (bench) => bench.check(each));
    }),
  ];
}

function firstOfAction(subject: ConformanceSubject): readonly BankCardCase[] {
  const cards = answeredCards(subject);
  const actions = cards.map((each) => actionOfCard(subject, each));
  return cards.filter((_each, at) => actions.indexOf(actions[at] ?? '') === at);
}

export function firstOfChannel<T extends { readonly channel: string }>(
  cases: readonly T[],
): readonly T[] {
  return cases.filter(({ channel }, at) => {
    return cases.findIndex((each) => each.channel === channel) === at;
  });
}

/** Throttled, refused or an internal error: the person has neither failed nor passed. */
async function assertErrorsEndNothing(
  subject: ConformanceSubject,
  given: OutcomeCase,
): Promise<void> {
  const { actions, faults } = subject.provider;
  const asked = Object.keys(given.answers ?? {}).filter((each) => actions[each]?.effect === 'read');
  const codes = Object.entries<FaultKind>(faults).filter(([, kind]) => !kind.startsWith('session'));
  for (const code of [unknownCode, ...codes.map(([each]) => each)]) {
    for (const action of asked) {
      const answers = { [action]: subject.errorAnswer(code, action) };
      const told = await afterStart(subject, given, { answers }, askOnce);
      const hasEnded = 'answer' in told && told.answer.kind === 'ended';
      assert.ok(!hasEnded, `${code} of ${action} ends the verification`);
    }
  }
}

/** True for a pass, false for any other understood response, null for a fault. */
type Verdict = boolean | null;

function explicit(
  title: string,
  given: {
    readonly answers: Answers;
    readonly judge: (answers: Answers) => Promise<Verdict>;
  },
): Check {
  const all = Object.values(given.answers).flatMap((each) => lastOf(each) ?? []);
  if (all.every((answer) => leavesOf(answer).length === 0)) {
    return {
      title,
      skipped: 'its responses are neither JSON, XML nor a form, so they cannot be altered here',
    };
  }
  return { title, run: () => assertExplicit(given.answers, given.judge) };
}

async function assertExplicit(
  answers: Answers,
  verdictOf: (answers: Answers) => Promise<Verdict>,
): Promise<void> {
  let isDecided = false;
  for (const [action, recorded] of Object.entries(answers)) {
    const list = [recorded].flat() as readonly RecordedAnswer[];
    const last = lastOf(recorded);
    if (!last) continue;
    const judged = (answer: RecordedAnswer): Promise<Verdict> =>
      verdictOf({ ...answers, [action]: [...list.slice(0, -1), answer] });
    for (const { path, value, answer } of strangersOf(last)) {
      const said = `it passes with ${path} of ${action} being ${JSON.stringify(value)}`;
      assert.notEqual(await judged(answer), true, said);
    }
    const decisive: string[] = [];
    for (const { path, alien, near } of leavesOf(last)) {
      if ((await judged(alien.answer)) !== false) continue;
      isDecided = true;
      decisive.push(path);
      for (const { value, answer } of near) {
        const said = `it passes with ${path} of ${action} being ${JSON.stringify(value)}`;
        assert.notEqual(await judged(answer), true, said);
      }
    }
    // One field may repeat another, so only the absence of all of them means that nothing was reported.
    for (const answer of decisive.length === 0 ? [] : withoutAll(last, decisive)) {
      const said = `it passes without ${decisive.join(', ')} of ${action}`;
      assert.notEqual(await judged(answer), true, said);
    }
  }
  assert.ok(
    isDecided,
    'no single value decides: with any of them unknown it still passes, or cannot be read. A value that no table has must end UNDETERMINED',
  );
}

function lastOf(
  recorded: RecordedAnswer | readonly RecordedAnswer[] | undefined,
): RecordedAnswer | undefined {
  return ([recorded ?? []].flat() as readonly RecordedAnswer[]).at(-1);
}

function isPassAtOnce({ expect }: StartCase): boolean {
  return 'outcome' in expect && expect.outcome?.result?.status === 'PASSED';
}

function judgeStart(
  subject: ConformanceSubject,
  given: StartCase,
  answers: Answers,
): Promise<Verdict> {
  return onBench(subject, { settings: given.settings, answers }, async (bench) => {
    await bench.start(given);
    const [started] = bench.observed.started;
    if (!started) return null;
    return started.outcome ? judge(started.outcome) : false;
  });
}

function judgeOutcome(
  subject: ConformanceSubject,
  given: OutcomeCase,
  answers: Answers,
): Promise<Verdict> {
  return afterStart(subject, given, { answers }, async (bench, id) => {
    const told = await askOnce(bench, id);
    return 'answer' in told ? judge(told.answer) : null;
  });
}

function judgeCard(
  subject: ConformanceSubject,
  given: BankCardCase,
  answers: Answers,
): Promise<Verdict> {
  return onBench(subject, { settings: given.settings, answers }, async (bench) => {
    await bench.check(given);
    const [result] = bench.observed.cardResults;
    if (!result) return null;
    assertOwnText(result.message);
    return result.outcome === 'MATCHED';
  });
}

/** Alters a notification and reads it without checking its signature, as if the provider had signed it. */
function assertExplicitNotification(
  subject: ConformanceSubject,
  given: NotificationCase,
): Promise<void> {
  return readOnce(subject, given, async ({ notification, read, session }) => {
    const recorded = { body: notification.body.toString('utf8') };
    const names = Object.values(session).map(String);
    const known = names.filter((name) => name !== '' && recorded.body.includes(name));
    await assertExplicit({ notification: recorded }, async ({ notification: changed }) => {
      const body = lastOf(changed)?.body ?? '';
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      try {
        const answer = read({ ...notification, body: Buffer.from(text) });
        if (answer !== null) return judge(answer);
        // It is about another verification, or says nothing about this one.
        return known.every((name) => text.includes(name)) ? false : null;
      } catch {
        return null;
      }
    });
  });
}

function judge(answer: OutcomeAnswer): boolean {
  if (answer.kind !== 'ended') return false;
  assertOwnText(answer.result.message);
  return answer.result.status === 'PASSED';
}

function assertOwnText(message: string | null): void {
  const isOwn = message?.includes(alienText) !== true;
  assert.ok(isOwn, 'its message is the free text of the provider, which may repeat input');
}
