/** Every event that may be logged, with its fields. There is no other way to log. */
export interface LogEvents {
  upstream_call: {
    provider: string;
    action: string;
    outcome: string;
    durationMs: number;
    providerCode?: string | undefined;
    providerRequestId?: string | undefined;
    record?: string | undefined;
  };
  input_doubt: { provider: string; path: string; message: string };
  outcome_not_stored: { record: string };
  outcome_unknown_code: { provider: string; code: string };
  provider_misconfigured: { provider: string; action: string; providerCode?: string | undefined };
  store_unavailable: { operation: string };
  /** The store cannot be used, and why: once per change. */
  store_down: { reason: string };
  store_up: Record<string, never>;
  /** Redis is so far away that its round trips delay calls; above 100 ms they also cost quota. */
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
