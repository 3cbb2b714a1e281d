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
