import type {
  Breaker,
  ConnectUpstream,
  FollowUps,
  Limiter,
  Log,
  Metrics,
  Publish,
  SendUpstream,
  Store,
  Velocity,
} from '../ports/index.ts';
import type { ChecksumMode } from '../contract/index.ts';
import type { VelocityRules } from './callers/velocity-rules.ts';
import type { NamedKey } from './records/keyed-hash.ts';
import type { VerificationRecord } from './records/records.ts';
import type { AccessTokens } from './upstream/access-tokens.ts';
import type { Registry } from './upstream/registry.ts';
import type { RetryBudget } from './upstream/retry-budget.ts';
import type { RedirectRules } from './verifications/check-redirect-url.ts';

// What the use cases work with, in groups. A function names the groups that it and its callees use.

export interface Clock {
  /** Epoch ms. */
  readonly now: () => number;
}

export interface Random {
  readonly randomBytes: (size: number) => Buffer;
}

export interface Telemetry {
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What the names of keys in the store are made of. */
export interface KeySpace {
  /** Newest first. Only the newest makes new hashes; all of them verify. */
  readonly hashKeys: readonly [NamedKey, ...NamedKey[]];
  /** Real and sandbox data never share a key. */
  readonly sandbox: boolean;
}

export interface Storage {
  readonly store: Store;
  readonly retentionDays: number;
  /** How long a definite result of a bank card check may be given again. */
  readonly bankCardCacheSeconds: number;
}

export interface Providers {
  readonly registry: Registry;
  readonly checksums: ChecksumMode;
}

/** The way to the providers. */
export interface Upstream {
  readonly connectUpstream: ConnectUpstream;
  readonly sendUpstream: SendUpstream;
  readonly limiter: Limiter;
  readonly breaker: Breaker;
  readonly retryBudget: RetryBudget;
  /** The time, never the same twice. */
  readonly nonceMs: () => number;
  readonly accessTokens: AccessTokens;
}

/** What callers may do at most. */
export interface CallerLimits {
  readonly velocity: Velocity;
  readonly velocityRules: VelocityRules;
}

/** URLs that lead back to us and to the caller's pages. */
export interface Urls {
  readonly publicUrl: string;
  readonly redirectRules: RedirectRules;
}

/** Work of this process that equal requests join. */
export interface InFlight {
  /** Claims that this process works on or waits for, by their key and fingerprint. */
  readonly inFlight: Map<string, Promise<unknown>>;
  /** Equal questions that this process asks on behalf of others, by their key. */
  readonly sharing: Map<string, Promise<unknown>>;
  /** Verifications that this process asks about, by their id. */
  readonly asking: Map<string, Asking>;
}

/** The question that is being asked, and the one after it. */
export interface Asking {
  now: Promise<VerificationRecord> | null;
  next: Promise<VerificationRecord> | null;
}

/** What is told to others, and done later. */
export interface Outbox {
  readonly followUps: FollowUps;
  readonly publish: Publish;
}

/** Keeps records and finds them by name. */
export type RecordDeps = Clock & Random & KeySpace & Storage;

/** Calls a provider. */
export type CallDeps = Clock & Telemetry & Upstream;

/** Asks a provider how a verification ended, and keeps what it says. */
export type OutcomeDeps = RecordDeps & CallDeps & Providers & InFlight & Outbox;

/** All groups: what the composition makes, and the edges hand on. */
export interface CoreDeps
  extends
    Clock,
    Random,
    Telemetry,
    KeySpace,
    Storage,
    Providers,
    Upstream,
    CallerLimits,
    Urls,
    InFlight,
    Outbox {}

/** The part of a key's name that keeps real and sandbox data apart. */
export function modeOf({ sandbox }: Pick<KeySpace, 'sandbox'>): string {
  return sandbox ? 'sandbox' : 'live';
}
