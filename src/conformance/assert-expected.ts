import assert from 'node:assert/strict';
import type { OutcomeAnswer } from '../contract/index.ts';
import { assertMatches } from './assert-matches.ts';
import type { NotificationCase, OutcomeCase } from './subject.ts';

type Expectation = Exclude<OutcomeCase['expect'] | NotificationCase['expect'], { fault: unknown }>;

/** An answer of a provider must be what the case expects. */
export function assertExpected(answer: OutcomeAnswer, expect: Expectation): void {
  if (typeof expect === 'string') {
    assert.equal(answer.kind, expect);
  } else if ('pending' in expect) {
    assert.equal(answer.kind, 'pending');
    assertMatches(answer, expect.pending, 'the answer');
  } else {
    assert.equal(answer.kind, 'ended', 'it has not ended');
    if (answer.kind === 'ended') assertMatches(answer.result, expect, 'the result');
  }
}
