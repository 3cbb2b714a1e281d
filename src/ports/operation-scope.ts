/** What an operation waits for: its turn within a rate limit, the store, or a provider. */
export type WaitKind = 'queue' | 'store' | 'upstream';

/**
 * What began an operation. `requestId` and `tenant` are null for follow-ups, notifications and returns of a person, which
 * no request of the router began.
 */
export interface OperationOrigin {
  /** The router's `x-request-id`, or one of ours if it sent none. */
  readonly requestId: string | null;
  /** From the router's `traceparent`. */
  readonly traceId: string | null;
  readonly tenant: string | null;
}

/** Measures one kind of wait. Waits that overlap count once. */
export interface WaitWatch {
  readonly begin: () => void;
  readonly end: () => void;
  /** In ms. */
  readonly totalMs: () => number;
}

/** What every log line of one operation says, and where its time went. */
export interface OperationScope extends OperationOrigin {
  /** The id of the operation: `op_` and 22 characters. */
  readonly operation: string;
  /** The id of the record that it is about, once that is known. */
  readonly record: string | null;
  readonly waits: Readonly<Record<WaitKind, WaitWatch>>;
}

/** Knows which operation the running code belongs to, through every `await`. */
export interface OperationScopes {
  /** Runs work as an operation of its own. */
  readonly run: <T>(origin: OperationOrigin, work: () => T) => T;
  /** Undefined outside of operations, at boot for example. */
  readonly current: () => OperationScope | undefined;
  /** Notes which record the running operation is about. */
  readonly concerns: (recordId: string) => void;
}
