/** What an event for other services tells. docs/events.md says when each kind is published. */
export const eventKinds = [
  'verification.started',
  'verification.ended',
  'verification.redacted',
  'bank_card_check.done',
] as const;

export type EventKind = (typeof eventKinds)[number];

/** An event for other services. It contains ids and a status only. */
export interface ServiceEvent {
  readonly kind: EventKind;
  readonly recordId: string;
  readonly tenantId: string;
  /** Of the verification, or the outcome of the check; null if the event is not about it. */
  readonly status: string | null;
  readonly atMs: number;
}

/** What a part of an entry of the ledger says: the entry itself, or its texts. */
export interface ToldEntry {
  readonly kind: string;
  readonly recordId?: string | number | null | undefined;
  readonly tenantId?: string | number | null | undefined;
  readonly status?: string | number | null | undefined;
  readonly atMs: number;
}

/** Publishes an event for other services. Throws `StoreUnavailable`. */
export type Publish = (event: ServiceEvent) => Promise<void>;

/** Tells this process of events, whichever replica published them. */
export interface EventFeed {
  /**
   * Calls `listener` for each event about a record that is published from the moment when the promise resolves. An event
   * may be told twice. Returns a function that ends it. Throws `StoreUnavailable`.
   */
  readonly listen: (recordId: string, listener: () => void) => Promise<() => void>;
}
