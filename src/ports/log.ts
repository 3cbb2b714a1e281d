import type { RequestRefusal, SubscriptionRefusal } from './metrics.ts';
import type { Billing } from '../contract/index.ts';

/**
 * Every event that may be logged, with its fields. There is no other way to log. Within an operation, each line also has
 * `operation`, `requestId`, `traceId`, `tenant` and `record`. docs/logs.md describes all of them.
 */
export interface LogEvents {
  /** A mutation ended. The only line per request that every request has. */
  operation_ended: {
    name: string;
    /** `SUCCESS`, the code of the problem, or the code of the error. */
    outcome: string;
    billing?: Billing | undefined;
    provider?: string | undefined;
    record?: string | undefined;
    replayed?: boolean | undefined;
    reused?: boolean | undefined;
    cached?: boolean | undefined;
    stored?: boolean | undefined;
    durationMs: number;
    queueMs: number;
    storeMs: number;
    upstreamMs: number;
  };
  upstream_call: {
    provider: string;
    /** The name of the account, unless it is that of the environment. */
    account?: string | undefined;
    action: string;
    outcome: string;
    durationMs: number;
    /** Absent if no complete response came. */
    httpStatus?: number | undefined;
    providerCode?: string | undefined;
    providerRequestId?: string | undefined;
    record?: string | undefined;
  };
  input_doubt: { provider: string; path: string; message: string };
  outcome_not_stored: { record: string };
  outcome_unknown_code: { provider: string; code: string };
  /** A call was sent and its answer lost, so it may have been charged. */
  outcome_unknown: { record: string; provider: string };
  /** The provider refuses credentials or settings. Once, until a call of the action succeeds. */
  provider_misconfigured: {
    provider: string;
    account?: string | undefined;
    action: string;
    providerCode?: string | undefined;
  };
  /** The units or the money of the account are used up. Once, until a call of the action succeeds. */
  provider_money_used_up: {
    provider: string;
    account?: string | undefined;
    action: string;
    providerCode?: string | undefined;
  };
  provider_recovered: { provider: string; account?: string | undefined; action: string };
  /** Calls of the action fail one after another and are not sent for a while. Once per change. */
  breaker_opened: { provider: string; account?: string | undefined; action: string };
  breaker_closed: { provider: string; account?: string | undefined; action: string };
  /** Changed accounts or rules are in use. */
  accounts_loaded: { accounts: number; tenants: number };
  /** ACCOUNTS_FILE was changed and is not used: one line for each reason, once per change. */
  accounts_refused: { reason: string };
  /** The source of an account's credentials does not give any. It is asked again. */
  credentials_not_fetched: { provider: string; account: string; reason: string };
  store_unavailable: { during: string };
  /** The store cannot be used, and why: once per change. */
  store_down: { reason: string };
  store_up: Record<string, never>;
  /** Redis is so far away that its round trips delay calls; above 100 ms they also cost quota. */
  store_far: { roundTripMs: number };
  notification_unreadable: { provider: string };
  /** Notifications without a valid signature: how many since the last such line, which comes once a minute at most. */
  notifications_refused: { provider: string; count: number };
  /** Requests that were refused before they were executed: how many since the last such line, once a minute at most. */
  requests_refused: { reason: RequestRefusal; count: number };
  /** Subscriptions that were refused: how many since the last such line, once a minute at most. */
  subscriptions_refused: { reason: SubscriptionRefusal; count: number };
  /** A delivery to an endpoint was given up. `last`: the result of the last attempt, and its status. */
  webhook_dead: { endpoint: string; webhook: string; last: string };
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
