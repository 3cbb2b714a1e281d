import type { ActionEffect } from '../contract/index.ts';

/** The store did not answer, or not with something that can be read. Never a miss. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';

  constructor(options?: ErrorOptions) {
    super('the store is not available', options);
  }
}

/** Proof of a claim that was won: only its holder may move it on. */
export interface ClaimTicket {
  readonly key: string;
  readonly owner: string;
  /** Grows with every claim of this key, so that a late former owner is recognised. */
  readonly fence: number;
}

export type ClaimTaken =
  | { readonly state: 'won'; readonly ticket: ClaimTicket }
  /** The key was used with another fingerprint. */
  | { readonly state: 'mismatch' }
  /** Somebody is working on it. */
  | { readonly state: 'claimed' | 'started'; readonly recordId: string }
  /** Sent, no answer in time. `lapsed`: a free start, which this call has released. */
  | { readonly state: 'unknown' | 'lapsed'; readonly recordId: string }
  | { readonly state: 'done'; readonly recordId: string };

export interface ClaimTimes {
  readonly answerWithinMs: number;
  readonly keepSeconds: number;
}

/** The life of a claim, each step atomic. Every method throws `StoreUnavailable` on trouble. */
export interface ClaimStore {
  readonly take: (claim: {
    readonly key: string;
    readonly fingerprint: string;
    readonly recordId: string;
    readonly owner: string;
    readonly effect: ActionEffect;
    readonly leaseMs: number;
  }) => Promise<ClaimTaken>;
  /** CLAIMED → STARTED. False when the claim is no longer the ticket's. */
  readonly start: (ticket: ClaimTicket, times: ClaimTimes) => Promise<boolean>;
  /**
   * STARTED → STARTED with a new time to answer, after a call that was refused before it was
   * performed. False when the claim is no longer the ticket's, or its time to answer is over.
   */
  readonly startAgain: (ticket: ClaimTicket, times: ClaimTimes) => Promise<boolean>;
  /**
   * STARTED or UNKNOWN → DONE, STARTED → UNKNOWN; true as well where it is so already, so that it can
   * be repeated. False when it is no longer the ticket's.
   */
  readonly settle: (
    ticket: ClaimTicket,
    state: 'done' | 'unknown',
    keepSeconds: number,
  ) => Promise<boolean>;
  /**
   * CLAIMED → DONE, for an answer that nothing was sent for. True as well where it is so already. False
   * when it is no longer the ticket's.
   */
  readonly adopt: (ticket: ClaimTicket, keepSeconds: number) => Promise<boolean>;
  /**
   * CLAIMED, STARTED or UNKNOWN → free, for work of which it is proven that it did nothing. False when it
   * is no longer the ticket's.
   */
  readonly release: (ticket: ClaimTicket) => Promise<boolean>;
}

/** Two texts that the store can neither read nor search, with an end each. */
export interface RecordParts {
  readonly body: string;
  /** Null where there is nothing personal, or no longer. */
  readonly personal: string | null;
}

/** How long the parts of a record are kept from now on. */
export interface RecordLife {
  readonly seconds: number;
  readonly personalSeconds: number;
}

/** Something kept. */
export interface StoredRecord extends RecordParts {
  readonly id: string;
  /** Changes with every write; what is replaced must be what was read. */
  readonly version: number;
}

/** Records by id. Every method throws `StoreUnavailable` on trouble. */
export interface RecordStore {
  readonly create: (id: string, parts: RecordParts, life: RecordLife) => Promise<void>;
  /** In the order of the ids; null where there is none. The parts of one are of one version. */
  readonly get: (ids: readonly string[]) => Promise<readonly (StoredRecord | null)[]>;
  /** The record as it is now; null when it has changed or gone in between. */
  readonly replace: (
    record: StoredRecord,
    parts: RecordParts,
    life: RecordLife,
  ) => Promise<StoredRecord | null>;
  readonly remove: (id: string) => Promise<void>;
}

/** Answers that may be given again. Every method throws `StoreUnavailable` on trouble. */
export interface CacheStore {
  readonly get: (key: string) => Promise<string | null>;
  readonly set: (key: string, body: string, keepSeconds: number) => Promise<void>;
  readonly remove: (keys: readonly string[]) => Promise<void>;
}

/** A record in a list, and when it was made. */
export interface ListEntry {
  readonly id: string;
  readonly atMs: number;
}

/** Lists of record ids, the newest first. Every method throws `StoreUnavailable` on trouble. */
export interface ListStore {
  /** Entries older than `keepSeconds` are dropped on the way. */
  readonly add: (key: string, entry: ListEntry, keepSeconds: number) => Promise<void>;
  /** Those after `after`, at most `most`; by time and then by id, both falling. */
  readonly page: (
    key: string,
    after: ListEntry | null,
    most: number,
  ) => Promise<readonly ListEntry[]>;
  readonly remove: (key: string, ids: readonly string[]) => Promise<void>;
}

/** Who works on something, until a time. Every method throws `StoreUnavailable` on trouble. */
export interface LockStore {
  /** False while somebody else holds it. */
  readonly take: (key: string, owner: string, forMs: number) => Promise<boolean>;
  /** A new end. False when it is no longer the owner's. */
  readonly renew: (key: string, owner: string, forMs: number) => Promise<boolean>;
  readonly release: (key: string, owner: string) => Promise<boolean>;
}

export interface Store {
  readonly claims: ClaimStore;
  readonly records: RecordStore;
  readonly cache: CacheStore;
  readonly locks: LockStore;
  readonly lists: ListStore;
  /** Resolves when the store does what a claim needs; throws `StoreUnavailable`. */
  readonly ping: () => Promise<void>;
  readonly close: () => Promise<void>;
}
