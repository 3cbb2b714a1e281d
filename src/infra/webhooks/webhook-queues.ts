import { Queue, UnrecoverableError, Worker, type Job } from 'bullmq';
import type { Log, Metrics, ServiceEvent } from '../../ports/index.ts';
import type { RedisClient } from '../redis/connect-redis.ts';
import { isDoneWithin } from '../running-time.ts';
import { createWebhookSender } from './send-webhook.ts';
import type { WebhookEndpoint } from './webhook-endpoint.ts';
import { toWebhookMessage, webhookIdOf } from './webhook-message.ts';

/** Delays before each further attempt, in ms: the last one is about a day after the first. */
const againAfterMs = [
  5000,
  5 * 60_000,
  30 * 60_000,
  2 * 3_600_000,
  5 * 3_600_000,
  8 * 3_600_000,
  8 * 3_600_000,
];
/** So that what failed together is not tried together. */
const jitter = 0.1;
const concurrency = 4;
/** A replica that was killed loses its deliveries to the others after this long. */
const lockMs = 30_000;
const lookForLostEveryMs = 15_000;
const keepDeliveredSeconds = 3 * 24 * 3600;
const keepDeadSeconds = 30 * 24 * 3600;
const mostKept = 10_000;
const closeWithinMs = 2000;

export interface WebhookCounts {
  readonly waiting: number;
  readonly dead: number;
}

/** A delivery that was given up, or waits. */
export interface WebhookDelivery {
  readonly id: string;
  readonly event: ServiceEvent;
  readonly attempts: number;
  /** The result of the last attempt; null before the first. */
  readonly last: string | null;
}

export interface WebhookQueue {
  readonly endpoint: WebhookEndpoint;
  /** Adds a delivery, once for each event. Rejects if Redis does not take it. */
  readonly add: (event: ServiceEvent) => Promise<void>;
  readonly counts: () => Promise<WebhookCounts>;
  /** At most a thousand of them, the newest first. */
  readonly list: (state: 'waiting' | 'dead') => Promise<readonly WebhookDelivery[]>;
  /** Begins anew with all attempts. False if there is no dead delivery with this id. */
  readonly replay: (id: string) => Promise<boolean>;
  readonly close: () => Promise<void>;
}

export interface WebhookWorkDeps {
  readonly now: () => number;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'webhookAttempt'>;
}

/** The deliveries to one endpoint, in Redis. `client` waits for Redis without end. */
export function createWebhookQueue(
  { client, mode }: { readonly client: RedisClient; readonly mode: string },
  endpoint: WebhookEndpoint,
): WebhookQueue {
  const queue = new Queue<ServiceEvent>(endpoint.id, {
    connection: client,
    prefix: prefixOf(mode),
    skipVersionCheck: true,
    defaultJobOptions: {
      attempts: againAfterMs.length + 1,
      backoff: { type: 'schedule' },
      removeOnComplete: { age: keepDeliveredSeconds, count: mostKept },
      removeOnFail: { age: keepDeadSeconds, count: mostKept },
    },
  });
  // The failed commands report the error.
  queue.on('error', () => {});
  return {
    endpoint,
    add: async (event) => {
      // A delivery that is kept is not added again.
      await queue.add(event.kind, event, { jobId: webhookIdOf(event) });
    },
    counts: async () => {
      const { wait, active, delayed, failed } = await queue.getJobCounts(
        ...(['wait', 'active', 'delayed', 'failed'] as const),
      );
      return { waiting: (wait ?? 0) + (active ?? 0) + (delayed ?? 0), dead: failed ?? 0 };
    },
    list: async (state) => {
      const states =
        state === 'dead' ? (['failed'] as const) : (['wait', 'active', 'delayed'] as const);
      const jobs = await queue.getJobs([...states], 0, 999);
      return jobs.map((job) => ({
        ...{ id: job.id ?? '', event: job.data, attempts: job.attemptsMade },
        last: job.failedReason ?? null,
      }));
    },
    replay: async (id) => {
      const job = await queue.getJob(id);
      if (!job || !(await job.isFailed())) return false;
      await job.retry('failed', { resetAttemptsMade: true });
      return true;
    },
    close: () => queue.close(),
  };
}

/** A failed attempt. The message is all that is stored of it. */
class Failed extends Error {
  override readonly name = 'Failed';
  readonly retryAfterMs: number | null;

  constructor(message: string, retryAfterMs: number | null) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Delivers to one endpoint, some at a time. One endpoint never waits for another. */
export function workOnWebhooks(
  {
    client,
    mode,
    ...deps
  }: WebhookWorkDeps & { readonly client: RedisClient; readonly mode: string },
  endpoint: WebhookEndpoint,
): { readonly close: () => Promise<void> } {
  const { log, metrics } = deps;
  const sender = createWebhookSender(deps, endpoint);
  const ending = new AbortController();
  const about = { endpoint: endpoint.id };

  const deliver = async ({ data: event }: Job<ServiceEvent>): Promise<void> => {
    const { result, status, retryAfterMs } = await sender.send(
      toWebhookMessage(event),
      ending.signal,
    );
    metrics.webhookAttempt(endpoint.id, result);
    if (result === 'delivered') return;
    const told = status === null ? result : `${result} ${status}`;
    throw result === 'gone' ? new UnrecoverableError(told) : new Failed(told, retryAfterMs);
  };

  const worker = new Worker<ServiceEvent>(endpoint.id, deliver, {
    connection: client,
    prefix: prefixOf(mode),
    skipVersionCheck: true,
    concurrency,
    lockDuration: lockMs,
    stalledInterval: lookForLostEveryMs,
    // Each is delivered, however often its replica is killed.
    maxStalledCount: 1000,
    settings: {
      backoffStrategy: (attempts, _type, error) => {
        const ms = againAfterMs[attempts - 1] ?? -1;
        const asked = error instanceof Failed ? (error.retryAfterMs ?? 0) : 0;
        return ms < 0 ? ms : Math.max(asked, ms * (1 + jitter * (2 * Math.random() - 1)));
      },
    },
  });
  worker.on('error', () => {});
  worker.on('failed', (job, error) => {
    const isDead = job !== undefined && (job.finishedOn ?? 0) > 0;
    if (isDead) {
      log.event('error', 'webhook_dead', { ...about, webhook: job.id ?? '', last: error.message });
    }
  });
  return {
    close: async () => {
      ending.abort();
      await isDoneWithin(worker.close(), closeWithinMs);
      await sender.close();
    },
  };
}

/** Braces: one slot in a cluster. */
function prefixOf(mode: string): string {
  return `{vs:${mode}}:webhooks`;
}
