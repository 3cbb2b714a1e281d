import assert from 'node:assert/strict';
import { onBench, type Bench, type BenchTerms } from '../create-bench.ts';
import { group, skip, type Check, type Group } from '../group.ts';
import { actionOfCard, answeredCards, answeredStarts } from '../run-case.ts';
import type { ConformanceSubject } from '../subject.ts';

/** At most one call that may charge, whatever happens to its response. */
export function chargingGroup(subject: ConformanceSubject): Group {
  const { provider } = subject;
  const mayCharge = (action: string | undefined): boolean =>
    action !== undefined && provider.actions[action]?.effect === 'may_charge';
  /** If there are several responses, the first is a refusal after which core sends again. */
  const isSentOnce = ({ answers }: BenchTerms, action: string): boolean =>
    ([answers?.[action] ?? []].flat() as readonly unknown[]).length < 2;
  const paying = [
    ...answeredStarts(subject)
      .filter(({ channel }) => mayCharge(provider.channels[channel]?.action))
      .map((each) => ({
        title: `${each.channel}, start: ${each.title}`,
        action: provider.channels[each.channel]?.action ?? '',
        terms: each,
        run: (bench: Bench) => bench.start(each),
      })),
    ...answeredCards(subject)
      .filter((each) => mayCharge(actionOfCard(subject, each)))
      .map((each) => ({
        title: `bank card: ${each.title}`,
        action: actionOfCard(subject, each),
        terms: each,
        run: (bench: Bench) => bench.check(each),
      })),
  ].filter(({ terms, action }) => isSentOnce(terms, action));
  if (paying.length === 0) {
    const isDeclared = Object.keys(provider.actions).some(mayCharge);
    return isDeclared
      ? group('charging', [
          {
            title: 'a case calls an action that may charge',
            run: () => assert.fail('no case of the subject calls it'),
          },
        ])
      : skip('charging', 'none of its actions may charge');
  }
  return group(
    'charging',
    paying.flatMap(({ title, action, terms, run }): Check[] => [
      {
        title: `${title}: no second call after a lost response`,
        run: async () => {
          for (const fault of ['silence', 'reset', 'html'] as const) {
            const wire = (each: string) => (each === action ? fault : undefined);
            await onBench(subject, { ...pick(terms), wire }, async (bench) => {
              for (let time = 0; time < 2; time++) {
                const outcome = await run(bench);
                assert.equal(outcome.kind === 'problem' && outcome.problem.code, 'OUTCOME_UNKNOWN');
              }
              assertCalledOnce(bench, action);
            });
          }
        },
      },
      {
        title: `${title}: a repeated key makes no call`,
        run: () =>
          onBench(subject, pick(terms), async (bench) => {
            await run(bench);
            const again = await run(bench);
            assert.equal(again.kind === 'success' && again.replayed, true);
            assertCalledOnce(bench, action);
          }),
      },
    ]),
  );
}

function pick({ settings, answers }: BenchTerms): BenchTerms {
  return { settings, answers };
}

function assertCalledOnce({ observed, upstream }: Bench, action: string): void {
  const sent = upstream.received.filter((request) => request.action === action);
  assert.equal(sent.length, 1, `${action} reached the provider ${sent.length} times`);
  const asked = observed.calls.filter((each) => each === action);
  assert.equal(asked.length, 1, `it calls ${action} again; only core may retry`);
}
