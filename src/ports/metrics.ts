import type { BankCardOutcome, Billing, TerminalStatus } from '../contract/index.ts';
import type { LimiterReason } from './limiter.ts';

/** What saved a provider call: the same key, an open launch of the same user, or a result of the same check. */
export type SavedBy = 'replay' | 'launch' | 'cache';

/**
 * Why a request was refused before it was executed. `router_secret`: it did not prove to come from the router. `caller`: its
 * caller is not known, or may not call. `identity_provider`: the keys for tokens could not be fetched. `busy`: overload, or
 * the process stops.
 */
export type RequestRefusal =
  'router_secret' | 'caller' | 'identity_provider' | 'busy' | 'malformed';

/**
 * Why a subscription was refused. `callback`: its callback is missing, malformed or not allowed. `check`: the callback URL did
 * not accept it. `user`: the caller has too many. `busy`: this process has too many, or stops.
 */
export type SubscriptionRefusal = 'callback' | 'check' | 'user' | 'busy';

/**
 * How a subscription ended. `told`: with its value, or without one because the verification was redacted. `left`: the client
 * has left. `lost`: the router does not answer. `expired`: its time or that of the token is over. `drained`: this process
 * stops. `replaced`: by another one with the same callback URL.
 */
export type SubscriptionEnd = 'told' | 'left' | 'lost' | 'expired' | 'drained' | 'replaced';

/** What is counted. docs/metrics.md describes each metric. No label names a person. */
export interface Metrics {
  /** A mutation. `outcome`: `SUCCESS`, or the code of the problem or the error. */
  readonly operation: (ended: {
    readonly name: string;
    readonly outcome: string;
    readonly durationMs: number;
  }) => void;
  readonly saved: (operation: string, by: SavedBy) => void;
  /** A limit of ours refused a call. The provider's own limit is an outcome of `upstreamCall`. */
  readonly refused: (operation: string, provider: string, reason: LimiterReason) => void;
  readonly upstreamCall: (call: {
    readonly provider: string;
    readonly account: string;
    readonly action: string;
    readonly outcome: string;
    readonly durationMs: number;
  }) => void;
  readonly chargeableCall: (call: {
    readonly provider: string;
    /** The name of the account. */
    readonly account: string;
    readonly action: string;
    readonly tenant: string;
    readonly billing: Billing;
  }) => void;
  readonly requestRefused: (reason: RequestRefusal) => void;
  /** A call begins to wait for a slot (1), or waits no longer (-1). */
  readonly queued: (provider: string, action: string, change: 1 | -1) => void;
  readonly claim: (operation: string, state: string) => void;
  readonly verificationEnded: (ended: {
    readonly provider: string;
    readonly channel: string;
    readonly status: TerminalStatus;
    readonly reason: string;
    readonly billing: Billing;
  }) => void;
  readonly cardChecked: (check: {
    readonly provider: string;
    readonly outcome: BankCardOutcome;
    readonly reason: string;
  }) => void;
  readonly notification: (provider: string, result: string) => void;
  readonly subscriptionRefused: (reason: SubscriptionRefusal) => void;
  readonly subscriptionEnded: (how: SubscriptionEnd) => void;
  /** A subscription is being opened (1), or is over (-1). */
  readonly subscriptionOpen: (change: 1 | -1) => void;
  /** An attempt to deliver an event to an endpoint. `result`: see `webhookResults`. */
  readonly webhookAttempt: (endpoint: string, result: string) => void;
  /** An event for other services. `lagMs`: since what it tells of; null if it could not be published. */
  readonly published: (lagMs: number | null) => void;
}
