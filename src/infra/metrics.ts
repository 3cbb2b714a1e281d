import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import type { Metrics } from '../ports/index.ts';

export interface PrometheusMetrics extends Metrics {
  /** The text of GET /metrics. */
  readonly render: () => Promise<string>;
  readonly contentType: string;
}

/** Metrics in Prometheus format. Labels name providers, actions and outcomes, never people. */
export function createMetrics(): PrometheusMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const calls = new Counter({
    name: 'verification_upstream_calls_total',
    help: 'Calls to providers by outcome: ok, or the kind of fault',
    labelNames: ['provider', 'action', 'outcome'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'verification_upstream_call_seconds',
    help: 'Time from sending to the complete response',
    labelNames: ['provider', 'action'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const claims = new Counter({
    name: 'verification_claims_total',
    help: 'Idempotency claims by the state they were found in or brought to',
    labelNames: ['operation', 'state'],
    registers: [registry],
  });
  return {
    upstreamCall: ({ provider, action, outcome, durationMs }) => {
      calls.inc({ provider, action, outcome });
      seconds.observe({ provider, action }, durationMs / 1000);
    },
    claim: (operation, state) => claims.inc({ operation, state }),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
