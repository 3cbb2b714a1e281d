import type { TerminalStatus } from './outcome.ts';
import type { ActionEffect } from './provider.ts';

/** One HTTP request to a provider. Headers and body are secret: they are never logged. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Text is sent as UTF-8; bytes, such as a multipart form, as they are. */
  readonly body?: string | Uint8Array | undefined;
}

export interface UpstreamAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A connection that stands, for one request. */
export interface UpstreamConnection {
  /** Lets go of it where no request was sent over it. */
  readonly release: () => void;
}

/**
 * Connects to the origin of a URL, so that a request can be sent in the moment in which its turn comes.
 * Throws `ProviderFault('not_sent')`.
 */
export type ConnectUpstream = (url: string, timeoutMs: number) => Promise<UpstreamConnection>;

/** The request was about to be written when its moment of sending was over. No byte was sent. */
export class MissedTurn extends Error {
  override readonly name = 'MissedTurn';

  constructor() {
    super('the moment of sending is over');
  }
}

/**
 * Sends one request. Settles within `timeoutMs`; never follows a redirect, never repeats.
 * Throws `ProviderFault`: `not_sent`, `timeout`, `connection_lost`, `protocol`; and `MissedTurn`.
 */
export type SendUpstream = (
  request: UpstreamRequest,
  limits: {
    readonly timeoutMs: number;
    readonly maxBytes: number;
    /** Texts of a JSON answer with more characters come empty. */
    readonly emptyTextsOver?: number | undefined;
    /** The connection to use; another one where it goes elsewhere or has been closed. */
    readonly connection?: UpstreamConnection | undefined;
    /** Asked right before the first byte is written; false prevents that. */
    readonly isInTime?: (() => boolean) | undefined;
  },
) => Promise<UpstreamAnswer>;

export type LimiterPriority = 'start' | 'result' | 'reconcile';

/** Refused before its turn: nothing was sent. */
export class LimiterRefusal extends Error {
  override readonly name = 'LimiterRefusal';
  readonly reason: 'overloaded' | 'no_slot_in_time' | 'over_velocity';
  readonly retryAfterMs: number;

  constructor(reason: LimiterRefusal['reason'], retryAfterMs: number) {
    super(`limiter refused: ${reason}`);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface LimiterAsk {
  /** The thing that is limited: an action of an account, `tencent-cn:GetEidToken:…`. */
  readonly key: string;
  readonly perSecond: number;
  readonly priority: LimiterPriority;
  /** How long this caller can wait. */
  readonly withinMs: number;
}

/** What a call does before it is sent. */
export interface LimiterSteps {
  /** Before a moment is reserved: connecting, which takes its time. */
  readonly connect?: () => Promise<void>;
  /**
   * Once a moment is reserved and before it comes. When it comes too late because of that, another moment
   * is reserved and `prepare` runs again.
   */
  readonly prepare?: () => Promise<void>;
}

export interface Limiter {
  /**
   * Resolves at the moment of sending, to what tells whether that moment still holds. Throws
   * `LimiterRefusal`, `StoreUnavailable`, and what the steps throw.
   */
  readonly turn: (ask: LimiterAsk, steps?: LimiterSteps) => Promise<() => boolean>;
  /** The provider refused: for so long nobody sends, on any replica. Never throws. */
  readonly backOff: (key: string, forMs: number) => Promise<void>;
}

/** So many in so long. */
export interface VelocityRule {
  readonly most: number;
  readonly seconds: number;
}

/** One thing that is counted: `key` is a keyed hash of whom or what it is about. */
export interface VelocityCounter {
  readonly name: string;
  readonly key: string;
  readonly rule: VelocityRule;
}

export type VelocitySpent =
  | {
      readonly kind: 'spent';
      /** Takes back what was counted, for a call that did nothing. Throws `StoreUnavailable`. */
      readonly refund: () => Promise<void>;
    }
  | { readonly kind: 'refused'; readonly retryAfterMs: number };

/** Counts what callers do, over all replicas. */
export interface Velocity {
  /**
   * Counts a call in every counter, or in none of them where one is full. Throws `StoreUnavailable` when
   * nobody can count.
   */
  readonly spend: (counters: readonly VelocityCounter[]) => Promise<VelocitySpent>;
}

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

/** Comes back to verifications when it is time, whether anybody asks or not. */
export interface Visits {
  /** Once per id, however often it is called. Throws `StoreUnavailable`. */
  readonly plan: (id: string, atMs: number) => Promise<void>;
}

/** What other services may hear of. Ids only. */
export interface VerificationEvent {
  readonly verificationId: string;
  readonly status: TerminalStatus;
  readonly atMs: number;
}

/** Tells other services. Throws `StoreUnavailable`. */
export type Announce = (event: VerificationEvent) => Promise<void>;

/** Everything that may be logged, and with which fields. There is no other way to log. */
export interface LogEvents {
  upstream_call: {
    provider: string;
    action: string;
    outcome: string;
    durationMs: number;
    providerCode?: string | undefined;
    providerRequestId?: string | undefined;
  };
  input_doubt: { provider: string; path: string; message: string };
  outcome_not_stored: { record: string };
  outcome_unknown_code: { provider: string; code: string };
  provider_misconfigured: { provider: string; action: string; providerCode?: string | undefined };
  store_unavailable: { operation: string };
  /** So far away that its round trips cost time, and quota beyond a tenth of a second. */
  store_far: { roundTripMs: number };
  notification_unreadable: { provider: string };
  bug: { where: string; errorName: string; stack?: string | undefined };
  boot: { line: string };
  shutdown: { reason: string; tookMs?: number | undefined };
}

export type LogEventName = keyof LogEvents;

export interface Log {
  readonly event: <Name extends LogEventName>(
    level: 'info' | 'warn' | 'error',
    name: Name,
    fields: LogEvents[Name],
  ) => void;
}

export interface Metrics {
  readonly upstreamCall: (call: {
    readonly provider: string;
    readonly action: string;
    readonly outcome: string;
    readonly durationMs: number;
  }) => void;
  readonly claim: (operation: string, state: string) => void;
}

/** Stops calling what keeps failing. Throws `ProviderFault('not_sent')` while it is open. */
export interface Breaker {
  readonly run: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  readonly isOpen: (key: string) => boolean;
}
