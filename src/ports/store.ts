import type { ActionEffect } from '../contract/index.ts';
import type { LedgerEntry, LedgerStore } from './ledger.ts';

/** The store did not respond, or returned something unreadable. It never means "not found". */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';

  constructor(options?: ErrorOptions) {
    super('the store is not available', options);
  }
}

/** Proof that the holder won a claim. Only the holder may change the claim. */
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
  /** Another request is working on it. */
  | { readonly state: 'claimed' | 'started'; readonly recordId: string }
  /**
   * The call was sent and no response came in time. `lapsed`: it was a free start, and this `take` has
   * released the claim.
   */
  | { readonly state: 'unknown' | 'lapsed'; readonly recordId: string }
  | { readonly state: 'done'; readonly recordId: string };

export interface ClaimTimes {
  readonly answerWithinMs: number;
  readonly keepSeconds: number;
}

/**
 * The state changes of a claim. Each one is atomic, and so are the entries of the ledger that tell of it: they are
 * appended only if the state changes. Every method throws `StoreUnavailable` on failure.
 */
export interface ClaimStore {
  readonly take: (claim: {
    readonly key: string;
    readonly fingerprint: string;
    readonly recordId: string;
    readonly owner: string;
    readonly effect: ActionEffect;
    readonly leaseMs: number;
  }) => Promise<ClaimTaken>;
  /** CLAIMED → STARTED. False if the ticket no longer holds the claim. */
  readonly start: (
    ticket: ClaimTicket,
    times: ClaimTimes,
    entries?: readonly LedgerEntry[],
  ) => Promise<boolean>;
  /**
   * STARTED → STARTED with a new time limit for the response, after a call that was refused before it was
   * performed. False if the ticket no longer holds the claim, or the time limit has passed.
   */
  readonly startAgain: (
    ticket: ClaimTicket,
    times: ClaimTimes,
    entries?: readonly LedgerEntry[],
  ) => Promise<boolean>;
  /**
   * STARTED or UNKNOWN → DONE, STARTED → UNKNOWN. Also true if the claim is already in that state, so that
   * the call can be repeated. False if the ticket no longer holds the claim.
   */
  readonly settle: (
    ticket: ClaimTicket,
    state: 'done' | 'unknown',
    keepSeconds: number,
    entries?: readonly LedgerEntry[],
  ) => Promise<boolean>;
  /**
   * CLAIMED → DONE, for an existing result for which nothing was sent. Also true if the claim is already
   * DONE. False if the ticket no longer holds the claim.
   */
  readonly adopt: (ticket: ClaimTicket, keepSeconds: number) => Promise<boolean>;
  /**
   * CLAIMED, STARTED or UNKNOWN → free, for work that provably did nothing. False if the ticket no longer
   * holds the claim.
   */
  readonly release: (ticket: ClaimTicket, entries?: readonly LedgerEntry[]) => Promise<boolean>;
}

/** The two parts of a record. The store can neither read nor search them, and each has its own expiry. */
export interface RecordParts {
  readonly body: string;
  /** Null if the record holds no personal data, or no longer. */
  readonly personal: string | null;
}

/** How long the parts of a record are kept from now on. */
export interface RecordLife {
  readonly seconds: number;
  readonly personalSeconds: number;
}

/** A record as it was read. */
export interface StoredRecord extends RecordParts {
  readonly id: string;
  /** Changes with every write. `replace` succeeds only for the version that was read. */
  readonly version: number;
  /** What is stored, with its place. Two records with equal marks hold the same. Absent if opening costs nothing. */
  readonly mark?: string;
}

/** Records by id. Every method throws `StoreUnavailable` on failure. */
export interface RecordStore {
  readonly create: (id: string, parts: RecordParts, life: RecordLife) => Promise<StoredRecord>;
  /**
   * In the order of the ids; null for an id without a record. Both parts of a record have the same version.
   */
  readonly get: (ids: readonly string[]) => Promise<readonly (StoredRecord | null)[]>;
  /**
   * Returns the new record; null if the record was changed or removed since it was read. The entries of the ledger are
   * appended in the same step, and only if the record is replaced.
   */
  readonly replace: (
    record: StoredRecord,
    parts: RecordParts,
    life: RecordLife,
    entries?: readonly LedgerEntry[],
  ) => Promise<StoredRecord | null>;
  readonly remove: (id: string) => Promise<void>;
}

/** Cached results. Every method throws `StoreUnavailable` on failure. */
export interface CacheStore {
  readonly get: (key: string) => Promise<string | null>;
  readonly set: (key: string, body: string, keepSeconds: number) => Promise<void>;
  readonly remove: (keys: readonly string[]) => Promise<void>;
}

/** A record in a list, and when it was created. */
export interface ListEntry {
  readonly id: string;
  readonly atMs: number;
}

/** Lists of record ids, newest first. Every method throws `StoreUnavailable` on failure. */
export interface ListStore {
  /** Also drops entries older than `keepSeconds`. */
  readonly add: (key: string, entry: ListEntry, keepSeconds: number) => Promise<void>;
  /** At most `most` entries after `after`, by descending time and then by descending id. */
  readonly page: (
    key: string,
    after: ListEntry | null,
    most: number,
  ) => Promise<readonly ListEntry[]>;
  readonly remove: (key: string, ids: readonly string[]) => Promise<void>;
}

/** Locks with a lease. Every method throws `StoreUnavailable` on failure. */
export interface LockStore {
  /** False while another owner holds it. */
  readonly take: (key: string, owner: string, forMs: number) => Promise<boolean>;
  /** Extends the lease. False if `owner` no longer holds the lock. */
  readonly renew: (key: string, owner: string, forMs: number) => Promise<boolean>;
  readonly release: (key: string, owner: string) => Promise<boolean>;
}

export interface Store {
  readonly claims: ClaimStore;
  readonly records: RecordStore;
  readonly cache: CacheStore;
  readonly locks: LockStore;
  readonly lists: ListStore;
  readonly ledger: LedgerStore;
  /** Resolves if the store can perform what a claim needs. Throws `StoreUnavailable`. */
  readonly ping: () => Promise<void>;
  readonly close: () => Promise<void>;
}
