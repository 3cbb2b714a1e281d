import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DelayedError, Queue, UnrecoverableError, Worker, type Job } from 'bullmq';
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
const afterStopMs = 1000;
const lookForRedisEveryMs = 500;

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
  /** `most` of them, from the place `from`. */
  readonly list: (
    state: 'waiting' | 'dead',
    page: { readonly from: number; readonly most: number },
  ) => Promise<readonly WebhookDelivery[]>;
  /** Begins anew with all attempts. False if there is no dead delivery with this id. */
  readonly replay: (id: string) => Promise<boolean>;
  readonly close: () => Promise<void>;
}

export interface WebhookWorkDeps {
  readonly now: () => number;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'webhookAttempt'>;
}

/** The deliveries to one endpoint, in Redis. `client` gives up soon, because others wait for its answers. */
export function createWebhookQueue(
  { client, mode }: { readonly client: RedisClient; readonly mode: string },
  endpoint: WebhookEndpoint,
): WebhookQueue {
  const queue = new Queue<ServiceEvent>(queueName(endpoint), {
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
    list: async (state, { from, most }) => {
      const states = { dead: ['failed'], waiting: ['wait', 'active', 'delayed'] } as const;
      const jobs = await queue.getJobs([...states[state]], from, from + most - 1);
      return jobs.map((job) => ({
        ...{ id: job.id ?? '', event: job.data, attempts: job.attemptsMade },
        last: job.failedReason ?? null,
      }));
    },
    replay: async (id) => {
      const job = await queue.getJob(id);
      if (!job || !(await job.isFailed())) return false;
      return job.retry('failed', { resetAttemptsMade: true }).then(
        () => true,
        // Somebody else has begun it in between.
        () => false,
      );
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
    isReady,
    ...deps
  }: WebhookWorkDeps & {
    readonly client: RedisClient;
    readonly mode: string;
    /** Whether Redis can be reached. */
    readonly isReady: () => boolean;
  },
  endpoint: WebhookEndpoint,
): { readonly close: () => Promise<void> } {
  const { log, metrics } = deps;
  const sender = createWebhookSender(deps, endpoint);
  const ending = new AbortController();
  const about = { endpoint: endpoint.id };

  const deliver = async (job: Job<ServiceEvent>, token?: string): Promise<void> => {
    const { data: event } = job;
    // What the endpoint wants may have changed since.
    if (!isWanted(endpoint, event)) throw new UnrecoverableError('not_wanted');
    const message = toWebhookMessage(event);
    const { result, status, retryAfterMs } = await sender.send(message, ending.signal);
    if (ending.signal.aborted && status === null) {
      // This process stops, and the receiver is not to blame: another replica tries, and no attempt is counted.
      await job.moveToDelayed(deps.now() + afterStopMs, token);
      throw new DelayedError();
    }
    metrics.webhookAttempt(endpoint.id, result);
    if (result === 'delivered') return;
    const told = status === null ? result : `${result} ${status}`;
    throw result === 'gone' ? new UnrecoverableError(told) : new Failed(told, retryAfterMs);
  };

  const begin = (): Worker<ServiceEvent> => {
    const worker = new Worker<ServiceEvent>(queueName(endpoint), deliver, {
      connection: client,
      prefix: prefixOf(mode),
      skipVersionCheck: true,
      autorun: false,
      concurrency,
      lockDuration: lockMs,
      stalledInterval: lookForLostEveryMs,
      // Each is delivered, however often its replica is killed.
      maxStalledCount: 1000,
      settings: { backoffStrategy: (attempts, _type, error) => toBackoffMs(attempts, error) },
    });
    worker.on('error', () => {});
    worker.on('failed', (job, error) => {
      const isDead = job !== undefined && (job.finishedOn ?? 0) > 0;
      if (isDead) {
        log.event('error', 'webhook_dead', {
          ...about,
          webhook: job.id ?? '',
          last: error.message,
        });
      }
    });
    return worker;
  };

  const work = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      // BullMQ 6.7 gives up for good if it does not find Redis at its first attempt.
      if (isReady()) {
        const worker = begin();
        const close = (): void => void worker.close().catch(() => {});
        ending.signal.addEventListener('abort', close);
        await worker.run().catch(() => {});
        ending.signal.removeEventListener('abort', close);
        await worker.close().catch(() => {});
      }
      await sleep(lookForRedisEveryMs, undefined, { signal: ending.signal }).catch(() => {});
    }
  };

  const working = work();
  return {
    close: async () => {
      ending.abort();
      await isDoneWithin(working, closeWithinMs);
      await sender.close();
    },
  };
}

function toBackoffMs(attempts: number, error: Error | undefined): number {
  const ms = againAfterMs[attempts - 1] ?? -1;
  const asked = error instanceof Failed ? (error.retryAfterMs ?? 0) : 0;
  return ms < 0 ? ms : Math.max(asked, ms * (1 + jitter * (2 * Math.random() - 1)));
}

export function isWanted({ tenantId, kinds }: WebhookEndpoint, event: ServiceEvent): boolean {
  return (tenantId === '*' || tenantId === event.tenantId) && kinds.includes(event.kind);
}

/** With the tenant, so that a name which is given to another tenant begins with nothing of the first one. */
export function queueName({ id, tenantId }: Pick<WebhookEndpoint, 'id' | 'tenantId'>): string {
  const tenant = createHash('sha256').update(tenantId).digest('hex').slice(0, 12);
  return `${id}-${tenant}`;
}

/** Braces: one slot in a cluster. */
function prefixOf(mode: string): string {
  return `{vs:${mode}}:webhooks`;
}
