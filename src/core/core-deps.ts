import type {
  Breaker,
  ConnectUpstream,
  EventFeed,
  FollowUps,
  Limiter,
  Log,
  Metrics,
  OperationScopes,
  Publish,
  SendUpstream,
  Store,
  Tracer,
  Velocity,
} from '../ports/index.ts';
import type { ChecksumMode } from '../contract/index.ts';
import type { NamedKey } from './records/keyed-hash.ts';
import type { OpenedRecords } from './records/opened-records.ts';
import type { VerificationRecord } from './records/records.ts';
import type { Tenants } from './tenants/tenant-rules.ts';
import type { AccessTokens } from './upstream/access-tokens.ts';
import type { Registry } from './upstream/registry.ts';
import type { RetryBudget } from './upstream/retry-budget.ts';
import type { VerificationValues } from './upstream/verification-values.ts';

// The dependencies of the use cases, in groups. A function names the groups that it and its callees use.

export interface Clock {
  /** Epoch ms. */
  readonly now: () => number;
}

/** Waiting, lent to plugins. */
export interface Sleep {
  readonly sleep: (ms: number) => Promise<void>;
}

export interface Random {
  readonly randomBytes: (size: number) => Buffer;
}

export interface Telemetry {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly scopes: OperationScopes;
  readonly tracer: Tracer;
}

/** What the keys in the store are derived from. */
export interface KeySpace {
  /** Newest first. Capabilities and lists are written with the newest key only, everything else with all. */
  readonly hashKeys: readonly [NamedKey, ...NamedKey[]];
  /** Real and sandbox data never share a key. */
  readonly sandbox: boolean;
}

export interface Storage {
  readonly store: Store;
  readonly opened: OpenedRecords;
  /** See `longestOpenDays`. */
  readonly openDays: number;
}

/** What is agreed for each tenant. */
export interface Tenancy {
  readonly tenants: Tenants;
}

export interface Providers {
  readonly registry: Registry;
  readonly checksums: ChecksumMode;
}

/** What a provider call needs. */
export interface Upstream {
  readonly connectUpstream: ConnectUpstream;
  readonly sendUpstream: SendUpstream;
  readonly limiter: Limiter;
  readonly breaker: Breaker;
  readonly retryBudget: RetryBudget;
  /** What is wrong with the account of an action, by the key of the action, so that it is logged once. */
  readonly accountTroubles: Map<string, string>;
  /** See `createNonceClock`. */
  readonly nonceMs: () => number;
  readonly accessTokens: AccessTokens;
  /** See `createVerificationValues`. */
  readonly verificationValues: VerificationValues;
}

/** Refusals of one kind, as the ledger knows them. */
export interface RefusalsTold {
  readonly atMs: number;
  /** How many came since. */
  readonly count: number;
}

/** The velocity limits of callers. */
export interface CallerLimits {
  readonly velocity: Velocity;
  /** By tenant, provider and limit. See `refusedEntries`. */
  readonly refusalsTold: {
    readonly get: (key: string) => RefusalsTold | undefined;
    readonly set: (key: string, told: RefusalsTold) => unknown;
  };
}

/** URLs that lead back to this service. */
export interface Urls {
  readonly publicUrl: string;
}

/** Work of this process that equal requests join. */
export interface InFlight {
  /** Claims that this process works on or waits for, by their key and fingerprint. */
  readonly inFlight: Map<string, Promise<unknown>>;
  /** Single flights that this process leads or waits for, by their key. */
  readonly sharing: Map<string, Promise<unknown>>;
  /** Polls of verifications in this process, by the verification's id. */
  readonly asking: Map<string, Asking>;
}

/** The poll that is running, and the one after it. */
export interface Asking {
  now: Promise<VerificationRecord> | null;
  next: Promise<VerificationRecord> | null;
}

/** Events for other services, and follow-ups. */
export interface Outbox {
  readonly followUps: FollowUps;
  readonly publish: Publish;
  /** The shortest time from a start to the end of its grace period that this process has seen, by channel definition. */
  readonly shortestLifeMs: WeakMap<object, number>;
}

/** What other replicas tell. */
export interface Inbox {
  readonly events: EventFeed;
}

/** For functions that store and find records. */
export type RecordDeps = Clock & Random & KeySpace & Storage & Tenancy;

/** For functions that call a provider. */
export type CallDeps = Clock & Sleep & Telemetry & Upstream;

/** For functions that learn and store the outcome of a verification. */
export type OutcomeDeps = RecordDeps & CallDeps & Providers & InFlight & Outbox;

/** All groups. The boot creates them, and GraphQL and HTTP pass them on. */
export interface CoreDeps
  extends
    Clock,
    Sleep,
    Random,
    Telemetry,
    KeySpace,
    Storage,
    Tenancy,
    Providers,
    Upstream,
    CallerLimits,
    Urls,
    InFlight,
    Outbox,
    Inbox {}

/** The part of a key's name that keeps real and sandbox data apart. */
export function modeOf({ sandbox }: Pick<KeySpace, 'sandbox'>): string {
  return sandbox ? 'sandbox' : 'live';
}
