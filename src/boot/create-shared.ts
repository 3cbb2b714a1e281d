import type {
  EventFeed,
  Log,
  Metrics,
  OperationScopes,
  Publish,
  Store,
  Velocity,
} from '../ports/index.ts';
import type { Pacer } from '../infra/bottleneck-limiter.ts';
import type { LedgerState } from '../infra/redis/measure-ledger.ts';
import type { FollowUpPlan } from '../infra/follow-up-plan.ts';
import type { Config } from './config.ts';

/** What all replicas share; with the memory store, what belongs to this process. */
export interface Shared {
  readonly store: Store;
  readonly pacer: Pacer;
  readonly velocity: Velocity;
  readonly followUps: FollowUpPlan;
  readonly publish: Publish;
  readonly events: EventFeed;
  /** How full the ledger is; null without Redis, or if it does not tell. */
  readonly ledgerState: () => Promise<LedgerState | null>;
  /** The round-trip time to the store; null for the memory store, or before it was measured. */
  readonly storeRoundTripMs: () => number | null;
  /** The class of what is wrong with the store now, such as `credentials`; null while it works. */
  readonly storeFault: () => string | null;
  /** Deliveries of webhooks by endpoint. Rejects if Redis does not tell. */
  readonly webhookCounts: () => Promise<readonly WebhookState[]>;
  readonly close: () => Promise<void>;
}

export interface WebhookState {
  readonly endpoint: string;
  readonly waiting: number;
  readonly dead: number;
}

export interface SharedTelemetry {
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'webhookAttempt'>;
  readonly scopes: OperationScopes;
}

export interface Clocks {
  /** Epoch ms. */
  readonly now: () => number;
  /** Epoch ms by a clock that is never set. */
  readonly steadyNow: () => number;
}

/**
 * Over Redis, or in memory. If Redis does not respond, the process stays alive and is not ready. Loads only the
 * one that is used: Redis and its queue take a fifth of the start (2026-11-26).
 */
export async function createShared(
  config: Config,
  clocks: Clocks,
  telemetry: SharedTelemetry,
): Promise<Shared> {
  if (config.redis) {
    const { createRedisShared } = await import('./create-redis-shared.ts');
    return createRedisShared(config, config.redis, clocks, telemetry);
  }
  const { createMemoryShared } = await import('./create-memory-shared.ts');
  return createMemoryShared(config, clocks, telemetry);
}
