import type { OutcomeAnswer, Progress } from '../../src/contract/plugin-api.ts';

/**
 * After these codes the person cannot try again: the flow has ended, the token expired, no attempts are left, or a daily
 * limit is reached. -14 and -15 are codes of an intention, 1409 and 1410 of an international page.
 */
const finalCodes: readonly (string | null)[] = [
  ...['14', '15', '16', '2018', '-14', '-15'],
  ...['1409', '1410'],
];

/**
 * The outcome of a web page whose result may tell of a failed attempt while the person tries again: no page of the
 * provider says when it is final. Anything but a pass counts when the person has come back or the time is over.
 */
export function afterRetries(
  outcome: OutcomeAnswer,
  { hasReturned, isOver }: Progress,
): OutcomeAnswer {
  if (outcome.kind !== 'ended' || hasReturned || isOver) return outcome;
  const { status, code, chargedAttempts } = outcome.result;
  const isFinal = status === 'PASSED' || finalCodes.includes(code);
  return isFinal ? outcome : { kind: 'pending', chargedAttempts };
}
