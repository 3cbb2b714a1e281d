import { pino, type DestinationStream } from 'pino';
import type { Log, LogEventName, LogEvents, OperationScopes } from '../ports/index.ts';
import { isDoneWithin } from './running-time.ts';

/**
 * The fields of each event that reach the log. All other fields are dropped. Redaction by path leaked 6 of
 * 9 shapes in a measurement (docs/decisions/0006).
 */
export const loggedFields = {
  operation_ended: [
    ...['name', 'outcome', 'billing', 'provider', 'record', 'replayed', 'reused', 'cached'],
    ...['stored', 'durationMs', 'queueMs', 'storeMs', 'upstreamMs'],
  ] as (keyof LogEvents['operation_ended'])[],
  upstream_call: [
    'provider',
    'account',
    'action',
    'outcome',
    'durationMs',
    'httpStatus',
    'providerCode',
    'providerRequestId',
    'record',
  ],
  input_doubt: ['provider', 'path', 'message'],
  outcome_not_stored: ['record'],
  outcome_unknown_code: ['provider', 'code'],
  outcome_unknown: ['record', 'provider'],
  provider_misconfigured: ['provider', 'account', 'action', 'providerCode'],
  provider_money_used_up: ['provider', 'account', 'action', 'providerCode'],
  provider_recovered: ['provider', 'account', 'action'],
  breaker_opened: ['provider', 'account', 'action'],
  breaker_closed: ['provider', 'account', 'action'],
  accounts_loaded: ['accounts', 'tenants'],
  accounts_refused: ['reason'],
  credentials_not_fetched: ['provider', 'account', 'reason'],
  store_unavailable: ['during'],
  store_down: ['reason'],
  store_up: [],
  store_far: ['roundTripMs'],
  notification_unreadable: ['provider'],
  notifications_refused: ['provider', 'count'],
  requests_refused: ['reason', 'count'],
  subscriptions_refused: ['reason', 'count'],
  webhook_dead: ['endpoint', 'webhook', 'last'],
  bug: ['where', 'errorName', 'stack'],
  boot: ['line'],
  shutdown: ['reason', 'tookMs'],
} as const satisfies { [Name in LogEventName]: readonly (keyof LogEvents[Name])[] };

/** Lines are written together: one write per line costs about 5 % of a start (measured 2026-11-26). */
const flushEveryMs = 100;
const flushAtBytes = 4096;

/** How long the last lines may take at the end of the process. */
const flushWithinMs = 300;

type Destination = DestinationStream & {
  readonly flush?: (done?: (error?: Error | null) => void) => void;
  flushSync?: () => void;
};

export interface FlushedLog extends Log {
  /** Writes what is buffered. Call it before the process ends. */
  readonly flush: () => Promise<void>;
}

/**
 * One JSON line per event, over pino. Lines reach the standard output within 100 ms, errors at once.
 */
export function createLog(
  level: string,
  destination: Destination = createStandardOutput(),
  scopes: Pick<OperationScopes, 'current'> = { current: () => undefined },
): FlushedLog {
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  return {
    event: (severity, name, fields) => {
      const { operation, requestId, traceId, tenant, record } = scopes.current() ?? {};
      const line: Record<string, unknown> = {
        ...{ event: name, operation },
        // A field that is null says nothing.
        ...{ requestId: requestId ?? undefined, traceId: traceId ?? undefined },
        ...{ tenant: tenant ?? undefined, record: record ?? undefined },
      };
      for (const field of loggedFields[name]) {
        const value = (fields as Record<string, unknown>)[field];
        if (value !== undefined) line[field] = value;
      }
      logger[severity](line);
      if (severity === 'error') destination.flush?.();
    },
    flush: () => flushWithin(flushWithinMs, destination),
  };
}

/**
 * sonic-boom (5.0) flushes once more at the exit, and tries for ever if the reader of the output is gone: the process
 * would not end. So what could not be written by now is given up.
 */
async function flushWithin(ms: number, destination: Destination): Promise<void> {
  const flushed = new Promise<void>((resolve, reject) => {
    if (destination.flush) destination.flush((error) => (error ? reject(error) : resolve()));
    else resolve();
  });
  const isFlushed = await isDoneWithin(flushed, ms);
  if (!isFlushed) destination.flushSync = () => {};
}

function createStandardOutput(): ReturnType<typeof pino.destination> {
  const output = pino.destination({
    sync: false,
    minLength: flushAtBytes,
    periodicFlush: flushEveryMs,
  });
  return output;
}
