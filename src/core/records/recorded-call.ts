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

const mostCalls = 20;

/** The calls of a record with those of one more operation: the newest 20. */
export function addCalls(
  known: readonly RecordedCall[],
  made: readonly RecordedCall[],
): readonly RecordedCall[] {
  return made.length === 0 ? known : [...known, ...made].slice(-mostCalls);
}

/** An id that looks like a number of a person is not kept. */
export function toRequestId(id: string | undefined): string | null {
  return id === undefined || id === '' ? null : sanitizeRequestId(id);
}
