import { sanitizeRequestId, type Billing, type FaultKind } from '../../contract/index.ts';

/** A call to a provider, as support and an invoice ask for it. */
export interface RecordedCall {
  readonly action: string;
  /** When it was sent, in epoch ms. */
  readonly atMs: number;
  /** The provider's id of the request. Null if it told none. */
  readonly requestId: string | null;
  readonly outcome: 'ok' | FaultKind;
  readonly billing: Billing;
}

/**
 * The calls of a record, a line each. They are read seldom, and as objects they would be a third of the time that
 * reading a record takes (2026-11-26).
 */
export type CallLines = string;

const mostCalls = 20;
const between = ' ';

/** With the calls of one more operation: the first, which is what support asks for, and the newest 19 others. */
export function addCalls(known: CallLines, made: readonly RecordedCall[]): CallLines {
  if (made.length === 0) return known;
  const lines = made.map(({ action, atMs, requestId, outcome, billing }) =>
    [encodeURIComponent(action), Math.round(atMs), requestId ?? '', outcome, billing].join(between),
  );
  const all = [...linesOf(known), ...lines];
  return all.length > mostCalls
    ? [...all.slice(0, 1), ...all.slice(1 - mostCalls)].join('\n')
    : all.join('\n');
}

export function readCalls(calls: CallLines): RecordedCall[] {
  return linesOf(calls).map((line) => {
    const [action = '', atMs, requestId = '', outcome, billing] = line.split(between);
    return {
      action: decodeURIComponent(action),
      atMs: Number(atMs),
      requestId: requestId === '' ? null : requestId,
      outcome: outcome as RecordedCall['outcome'],
      billing: billing as Billing,
    };
  });
}

/** An id that looks like a number of a person is not kept. */
export function toRequestId(id: string | undefined): string | null {
  return id === undefined || id === '' ? null : sanitizeRequestId(id);
}

function linesOf(calls: CallLines): readonly string[] {
  return calls === '' ? [] : calls.split('\n');
}
