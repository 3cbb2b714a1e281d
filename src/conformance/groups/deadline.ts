import assert from 'node:assert/strict';
import { onBench } from '../create-bench.ts';
import { group, skip, type Group } from '../group.ts';
import { answeredCards, answeredStarts } from '../run-case.ts';
import type { ConformanceSubject } from '../subject.ts';

const closesWithinMs = 3000;

/** A call that core abandons must also end on the wire and leave nothing behind. */
export function deadlineGroup(subject: ConformanceSubject): Group {
  const [start] = answeredStarts(subject);
  const [card] = answeredCards(subject);
  const given = start ?? card;
  if (!given) return skip('deadline', 'no case of the subject has a regular response');
  return group('deadline', [
    {
      title: 'a call without a response is abandoned, and its connection is closed',
      run: () =>
        onBench(
          subject,
          { settings: given.settings, answers: given.answers, wire: () => 'silence' },
          async ({ start: begin, check, observed, upstream }) => {
            const outcome = start ? await begin(start) : card ? await check(card) : null;
            assert.equal(outcome?.kind, 'problem');
            assert.deepEqual(observed.started, []);
            assert.ok(upstream.received.length > 0, 'nothing was sent');
            const untilMs = Date.now() + closesWithinMs;
            const isOpen = (): boolean => upstream.received.some((each) => !each.wasGivenUp);
            while (isOpen() && Date.now() < untilMs) {
              await new Promise((resolve) => setTimeout(resolve, 20));
            }
            assert.ok(!isOpen(), 'a connection stays open after its call was abandoned');
          },
        ),
    },
  ]);
}
