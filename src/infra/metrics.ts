import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { LedgerState } from './redis/measure-ledger.ts';
import type {
  Metrics,
  RequestRefusal,
  SubscriptionEnd,
  SubscriptionRefusal,
} from '../ports/index.ts';

export interface PrometheusMetrics extends Metrics {
  /** The text of GET /metrics. */
  readonly render: () => Promise<string>;
  readonly contentType: string;
  /** From now on, each GET /metrics reads these values too. */
  readonly watch: (state: ObservedState) => void;
}

/** What is read when somebody asks, because nothing tells of its changes. */
export interface ObservedState {
  readonly version: string;
  readonly actions: () => readonly {
    readonly provider: string;
    readonly account: string;
    readonly action: string;
    readonly perSecond: number;
    readonly isBreakerOpen: boolean;
  }[];
  /** Whether a change of ACCOUNTS_FILE is refused. */
  readonly isAccountsFileRefused: () => boolean;
  readonly store: () => { readonly isUp: boolean; readonly roundTripMs: number | null };
  /** Null if the store does not tell. */
  readonly followUps: () => Promise<{ readonly planned: number; readonly late: number } | null>;
  /** Deliveries of webhooks by endpoint. Rejects if the store does not tell. */
  readonly webhooks: () => Promise<
    readonly { readonly endpoint: string; readonly waiting: number; readonly dead: number }[]
  >;
  /** Null without Redis, or if it does not tell. */
  readonly ledger: () => Promise<LedgerState | null>;
}

/** They begin at 0: an increase from "absent" to 1 is none to Prometheus. */
const requestRefusals = [
  ...(['router_secret', 'caller', 'identity_provider', 'busy', 'malformed'] as const),
] satisfies readonly RequestRefusal[];

const subscriptionRefusals = [
  ...(['callback', 'check', 'user', 'busy'] as const),
] satisfies readonly SubscriptionRefusal[];

const subscriptionEnds = [
  ...(['told', 'left', 'lost', 'expired', 'drained', 'replaced'] as const),
] satisfies readonly SubscriptionEnd[];

const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Metrics in Prometheus format, described in docs/metrics.md. Labels name providers, actions, tenants and outcomes,
 * never people. Of tenants, the first `mostTenants` have labels of their own; the others share `other`.
 */
export function createMetrics({
  mostTenants = 50,
  operations: operationNames = [],
  outcomes = [],
}: {
  readonly mostTenants?: number;
  /** Mutations and their outcomes. They begin at 0: an increase from "absent" to 1 is none to Prometheus. */
  readonly operations?: readonly string[];
  readonly outcomes?: readonly string[];
} = {}): PrometheusMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = (name: string, help: string, labelNames: readonly string[]) =>
    new Counter({ name, help, labelNames, registers });
  const histogram = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Histogram({ name, help, labelNames, registers, buckets: secondsBuckets });

  const operations = counter(
    'verification_operations_total',
    'Mutations by outcome: SUCCESS, or the code of the problem or the error',
    ['operation', 'outcome'],
  );
  for (const operation of operationNames) {
    for (const outcome of outcomes) operations.inc({ operation, outcome }, 0);
  }
  const operationSeconds = histogram(
    'verification_operation_seconds',
    'Time that a mutation took',
    ['operation'],
  );
  const saved = counter(
    'verification_calls_saved_total',
    'Provider calls that a replay, an open launch or an earlier result saved',
    ['operation', 'by'],
  );
  const refused = counter(
    'verification_calls_refused_total',
    'Calls that a limit of this service refused',
    ['operation', 'provider', 'reason'],
  );
  const requestsRefused = counter(
    'verification_requests_refused_total',
    'Requests that were refused before they were executed',
    ['reason'],
  );
  for (const reason of requestRefusals) requestsRefused.inc({ reason }, 0);
  const calls = counter(
    'verification_upstream_calls_total',
    'Calls to providers by outcome: ok, or the kind of fault',
    ['provider', 'account', 'action', 'outcome'],
  );
  const callSeconds = histogram(
    'verification_upstream_call_seconds',
    'Time from sending to the complete response',
    ['provider', 'action'],
  );
  const chargeable = counter(
    'verification_chargeable_calls_total',
    'Calls that may cost money, by what is known of their billing',
    ['provider', 'account', 'action', 'tenant', 'billing'],
  );
  // Counted in a map, because a gauge of prom-client looks up its labels at each change.
  const waiting = new Map<string, Map<string, number>>();
  const waitingGauge = new Gauge({
    name: 'verification_calls_waiting',
    help: 'Calls of this replica that wait for a slot of the rate limit',
    labelNames: ['provider', 'action'],
    registers: [],
    collect() {
      for (const [provider, actions] of waiting) {
        for (const [action, count] of actions) this.set({ provider, action }, count);
      }
    },
  });
  registry.registerMetric(waitingGauge);
  const claims = counter(
    'verification_claims_total',
    'Idempotency claims by the state they were found in or brought to',
    ['operation', 'state'],
  );
  const ended = counter(
    'verification_outcomes_total',
    'Verifications that ended, by status, reason and billing',
    ['provider', 'channel', 'status', 'reason', 'billing'],
  );
  const checked = counter(
    'verification_bank_card_outcomes_total',
    'Bank card checks that a provider performed, by outcome and reason',
    ['provider', 'outcome', 'reason'],
  );
  const notifications = counter(
    'verification_notifications_total',
    'Notifications of providers by what became of them',
    ['provider', 'result'],
  );
  const subscriptionsOpen = new Gauge({
    name: 'verification_subscriptions_open',
    help: 'Subscriptions of this replica',
    registers,
  });
  const subscriptionsEnded = counter(
    'verification_subscriptions_ended_total',
    'Subscriptions that are over, by how they ended',
    ['how'],
  );
  for (const how of subscriptionEnds) subscriptionsEnded.inc({ how }, 0);
  const subscriptionsRefused = counter(
    'verification_subscriptions_refused_total',
    'Subscriptions that were refused',
    ['reason'],
  );
  for (const reason of subscriptionRefusals) subscriptionsRefused.inc({ reason }, 0);
  const webhookAttempts = counter(
    'verification_webhook_attempts_total',
    'Attempts to deliver an event to an endpoint, by result',
    ['endpoint', 'result'],
  );
  const published = counter(
    'verification_events_published_total',
    'Events for other services, by whether they were published',
    ['result'],
  );
  const eventLag = histogram(
    'verification_event_lag_seconds',
    'Time from the end of a verification to its event',
  );

  const tenants = new Set<string>();
  const toTenantLabel = (tenant: string): string => {
    if (tenants.size < mostTenants) tenants.add(tenant);
    return tenants.has(tenant) ? tenant : 'other';
  };

  return {
    operation: ({ name, outcome, durationMs }) => {
      operations.inc({ operation: name, outcome });
      operationSeconds.observe({ operation: name }, durationMs / 1000);
    },
    saved: (operation, by) => saved.inc({ operation, by }),
    requestRefused: (reason) => requestsRefused.inc({ reason }),
    refused: (operation, provider, reason) => refused.inc({ operation, provider, reason }),
    upstreamCall: ({ provider, account, action, outcome, durationMs }) => {
      calls.inc({ provider, account, action, outcome });
      callSeconds.observe({ provider, action }, durationMs / 1000);
    },
    chargeableCall: ({ tenant, ...call }) =>
      chargeable.inc({ ...call, tenant: toTenantLabel(tenant) }),
    queued: (provider, action, change) => {
      const actions = waiting.get(provider) ?? new Map<string, number>();
      waiting.set(provider, actions);
      actions.set(action, (actions.get(action) ?? 0) + change);
    },
    claim: (operation, state) => claims.inc({ operation, state }),
    verificationEnded: ({ reason, ...labels }) =>
      ended.inc({ ...labels, reason: toReasonLabel(reason) }),
    cardChecked: ({ reason, ...labels }) =>
      checked.inc({ ...labels, reason: toReasonLabel(reason) }),
    notification: (provider, result) => notifications.inc({ provider, result }),
    subscriptionOpen: (change) => subscriptionsOpen.inc(change),
    subscriptionEnded: (how) => subscriptionsEnded.inc({ how }),
    subscriptionRefused: (reason) => subscriptionsRefused.inc({ reason }),
    webhookAttempt: (endpoint, result) => webhookAttempts.inc({ endpoint, result }),
    published: (lagMs) => {
      published.inc({ result: lagMs === null ? 'failed' : 'ok' });
      if (lagMs !== null) eventLag.observe(Math.max(0, lagMs) / 1000);
    },
    watch: (state) => watchState(registry, state),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** A plugin in JavaScript may return any text. Values of an enum have this form. */
function toReasonLabel(reason: string): string {
  return /^[A-Z][A-Z_]{0,63}$/u.test(reason) ? reason : 'OTHER';
}

function watchState(registry: Registry, state: ObservedState): void {
  const registers: Registry[] = [];
  const build = new Gauge({
    name: 'verification_build_info',
    help: 'Always 1; the labels say what runs',
    labelNames: ['version', 'node'],
    registers,
  });
  build.set({ version: state.version, node: process.version }, 1);
  // Both gauges of one scrape share an answer of Redis.
  let reading: ReturnType<ObservedState['ledger']> | null = null;
  const readLedger = (): ReturnType<ObservedState['ledger']> => {
    reading ??= state.ledger().finally(() => {
      reading = null;
    });
    return reading;
  };
  const gauges = [
    build,
    new Gauge({
      name: 'verification_quota_per_second',
      help: 'The rate limit of an action, shared by all replicas',
      labelNames: ['provider', 'account', 'action'],
      registers,
      collect() {
        for (const { provider, account, action, perSecond } of state.actions()) {
          this.set({ provider, account, action }, perSecond);
        }
      },
    }),
    new Gauge({
      name: 'verification_breaker_open',
      help: '1 while calls of an action are not sent because the last ones failed',
      labelNames: ['provider', 'account', 'action'],
      registers,
      collect() {
        for (const { provider, account, action, isBreakerOpen } of state.actions()) {
          this.set({ provider, account, action }, isBreakerOpen ? 1 : 0);
        }
      },
    }),
    new Gauge({
      name: 'verification_accounts_refused',
      help: '1 while ACCOUNTS_FILE was changed and is not used, because it or a credential is refused',
      registers,
      collect() {
        this.set(state.isAccountsFileRefused() ? 1 : 0);
      },
    }),
    new Gauge({
      name: 'verification_store_up',
      help: '1 while the store works',
      registers,
      collect() {
        this.set(state.store().isUp ? 1 : 0);
      },
    }),
    new Gauge({
      name: 'verification_store_round_trip_seconds',
      help: 'The fastest of the last round trips to Redis; absent without Redis',
      registers,
      collect() {
        const { roundTripMs } = state.store();
        // Without samples the registry prints the name and no value.
        this.reset();
        if (roundTripMs === null) this.remove();
        else this.set(roundTripMs / 1000);
      },
    }),
    new Gauge({
      name: 'verification_follow_ups',
      help: 'Follow-ups of all replicas: planned, and late by more than a minute',
      labelNames: ['state'],
      registers,
      async collect() {
        const counts = await state.followUps().catch(() => null);
        this.reset();
        if (!counts) return;
        this.set({ state: 'planned' }, counts.planned);
        this.set({ state: 'late' }, counts.late);
      },
    }),
    new Gauge({
      name: 'verification_webhooks',
      help: 'Deliveries of all replicas: waiting, and given up (dead)',
      labelNames: ['endpoint', 'state'],
      registers,
      async collect() {
        const endpoints = await state.webhooks().catch(() => []);
        this.reset();
        for (const { endpoint, waiting, dead } of endpoints) {
          this.set({ endpoint, state: 'waiting' }, waiting);
          this.set({ endpoint, state: 'dead' }, dead);
        }
      },
    }),
    new Gauge({
      name: 'verification_ledger_entries',
      help: 'Entries of the ledger in Redis; absent without Redis',
      registers,
      async collect() {
        const ledger = await readLedger();
        this.reset();
        if (ledger === null) this.remove();
        else this.set(ledger.entries);
      },
    }),
    new Gauge({
      name: 'verification_ledger_waiting_entries',
      help: 'Entries of the ledger that a consumer group, such as an archive, has not acknowledged yet',
      labelNames: ['group'],
      registers,
      async collect() {
        const ledger = await readLedger();
        this.reset();
        for (const { group, entries } of ledger?.waiting ?? []) this.set({ group }, entries);
      },
    }),
  ];
  for (const gauge of gauges) registry.registerMetric(gauge);
}
