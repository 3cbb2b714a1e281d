import assert from 'node:assert/strict';
import type { FaultKind } from '../../contract/index.ts';
import { lastFault, onBench, type Bench } from '../create-bench.ts';
import { group, skip, type Check, type Group } from '../group.ts';
import { mutantsOf, strangersOf } from '../mutate-answer.ts';
import { afterStart, answeredCards, answeredStarts, askOnce, isPass } from '../run-case.ts';
import type {
  Answers,
  BankCardCase,
  ConformanceSubject,
  OutcomeCase,
  RecordedAnswer,
} from '../subject.ts';

const unknownCode = 'ConformanceUnknown';

/** Codes mean what the table of faults says, and what no table knows is never a pass. */
export function unknownCodesGroup(subject: ConformanceSubject): Group {
  const { provider, outcomes = [] } = subject;
  const begin = beginner(subject);
  if (!begin) return skip('unknown codes', 'no case of the subject is answered');
  const faultOf = async (code: string): Promise<string | null> =>
    onBench(subject, { ...begin, answers: begin.answersWith(subject.errorAnswer(code)) }, (bench) =>
      begin.run(bench).then(() => lastFault(bench.observed)),
    );

  const checks: Check[] = [
    {
      title: `each code of faults is the kind that it says (${Object.keys(provider.faults).length})`,
      run: async () => {
        const wrong: string[] = [];
        for (const [code, kind] of Object.entries<FaultKind>(provider.faults)) {
          const seen = await faultOf(code);
          if (seen !== kind) wrong.push(`${code} must be ${kind}, and is ${seen}`);
        }
        assert.deepEqual(wrong, []);
      },
    },
    {
      title: 'an error code that no table knows may have been performed',
      run: async () => {
        const seen = await faultOf(unknownCode);
        assert.ok(
          seen === 'internal' || seen === 'protocol',
          `an unknown error code is ${seen}: throw ProviderErrorAnswer, and let faults decide`,
        );
      },
    },
    ...outcomes.filter(isPass).map((each) => ({
      title: `${each.channel} passes by an explicit word only: ${each.title}`,
      run: () =>
        assertExplicit(each.answers ?? {}, (answers) => outcomeStatus(subject, each, answers)),
    })),
    ...answeredCards(subject)
      .filter(({ expect }) => 'outcome' in expect && expect.outcome === 'MATCHED')
      .map((each) => ({
        title: `a card matches by an explicit word only: ${each.title}`,
        run: () =>
          assertExplicit(each.answers ?? {}, (answers) => cardOutcome(subject, each, answers)),
      })),
  ];
  return group('unknown codes', checks);
}

/** How the provider is met for the first time, by whatever it offers. */
function beginner(subject: ConformanceSubject) {
  const { provider } = subject;
  const [start] = answeredStarts(subject);
  const [card] = answeredCards(subject);
  const action = start ? provider.channels[start.channel]?.action : provider.bankCard?.action;
  const given = start ?? card;
  if (!given || action === undefined) return null;
  return {
    settings: given.settings,
    answersWith: (answer: RecordedAnswer): Answers => ({ ...given.answers, [action]: answer }),
    run: async (bench: Bench): Promise<void> => {
      if (start) await bench.start(start);
      else if (card) await bench.check(card);
    },
  };
}

/** `judge`: true for a pass, false for anything else that was understood, null for a fault. */
async function assertExplicit(
  answers: Answers,
  judge: (answers: Answers) => Promise<boolean | null>,
): Promise<void> {
  const decisive: string[] = [];
  for (const [action, recorded] of Object.entries(answers)) {
    const list = [recorded].flat() as readonly RecordedAnswer[];
    const last = list.at(-1);
    if (!last) continue;
    const having = (answer: RecordedAnswer): Answers => ({
      ...answers,
      [action]: [...list.slice(0, -1), answer],
    });
    for (const { path, answer } of strangersOf(last)) {
      assert.notEqual(await judge(having(answer)), true, `it passes with ${path}`);
    }
    for (const { path, answer } of mutantsOf(last)) {
      if ((await judge(having(answer))) === false) decisive.push(path);
    }
  }
  assert.ok(
    decisive.length > 0,
    'whichever value of the answer is unknown, it passes all the same',
  );
}

function outcomeStatus(
  subject: ConformanceSubject,
  given: OutcomeCase,
  answers: Answers,
): Promise<boolean | null> {
  return afterStart(subject, given, { answers }, async (bench, id) => {
    const told = await askOnce(bench, id);
    if (!('answer' in told)) return null;
    return told.answer.kind === 'ended' && told.answer.result.status === 'PASSED';
  });
}

function cardOutcome(
  subject: ConformanceSubject,
  given: BankCardCase,
  answers: Answers,
): Promise<boolean | null> {
  return onBench(subject, { settings: given.settings, answers }, async (bench) => {
    await bench.check(given);
    const [result] = bench.observed.cardResults;
    return result ? result.outcome === 'MATCHED' : null;
  });
}
