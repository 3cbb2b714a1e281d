import { sanitizeCode, type Billing, type FaultKind } from '../../contract/index.ts';

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
const mostCharacters = 128;

/** The calls of a record with those of one more operation: the newest 20. */
export function addCalls(
  known: readonly RecordedCall[],
  made: readonly RecordedCall[],
): readonly RecordedCall[] {
  return made.length === 0 ? known : [...known, ...made].slice(-mostCalls);
}

/** An id of the provider's without anything that no id has. */
export function toRequestId(id: string | undefined): string | null {
  return id === undefined || id === '' ? null : sanitizeCode(id.slice(0, mostCharacters));
}
