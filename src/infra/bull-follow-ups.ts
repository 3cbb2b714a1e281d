import { DelayedError, Queue, Worker } from 'bullmq';
import { StoreUnavailable, type FollowUps } from '../ports/index.ts';
import type { RedisClient } from './redis/connect-redis.ts';
import { isDoneWithin } from './running-time.ts';

/** When to come again; null for never. */
export type FollowUp = (id: string) => Promise<number | null>;

export interface FollowUpPlan extends FollowUps {
  /** From now on visits are made. What `visit` throws makes it come again later. */
  readonly begin: (visit: FollowUp) => void;
  readonly close: () => Promise<void>;
}

interface Deps {
  /** For planning: its commands fail fast. */
  readonly client: RedisClient;
  /** For working, which waits in Redis for the next visit: without a time limit of its own. */
  readonly blockingClient: RedisClient;
  readonly now: () => number;
  readonly mode: string;
  readonly onError: (error: unknown) => void;
}

const planWithinMs = 1000;
/** After a visit that failed; twice as long for each that was made before. */
const againAfterMs = 5000;
const againAfterMostMs = 300_000;
/** A replica that went away in the middle of a visit is noticed after so long, and so long again. */
const lostAfterMs = 10_000;
const concurrency = 4;
const closeWithinMs = 2000;
const queueName = 'visits';

/** Visits over BullMQ: each is made by one replica, wherever it was planned. Holds ids only. */
export function createBullFollowUps(deps: Deps): FollowUpPlan {
  const { client, blockingClient, now, mode } = deps;
  const shared = {
    // One slot in a cluster.
    prefix: `{vs:${mode}}`,
    skipVersionCheck: true,
  };
  const queue = new Queue(queueName, {
    ...shared,
    connection: client,
    streams: { events: { maxLen: 100 } },
    defaultJobOptions: {
      removeOnComplete: true,
      removeOnFail: true,
      // A visit that fails for whatever reason is not lost.
      attempts: Number.MAX_SAFE_INTEGER,
      backoff: { type: 'fixed', delay: againAfterMs },
      stackTraceLimit: 0,
    },
  });
  // Its commands tell their own story, and its errors carry them.
  queue.on('error', () => {});
  let worker: Worker | null = null;

  return {
    plan: async (id, atMs) => {
      const added = queue.add('visit', {}, { jobId: id, delay: Math.max(0, atMs - now()) });
      if (!(await isDoneWithin(added, planWithinMs))) throw new StoreUnavailable();
    },

    begin: (visit) => {
      worker = new Worker(
        queueName,
        async (job, token) => {
          const nextMs = await visit(job.id ?? '').catch((error: unknown) => {
            deps.onError(error);
            const waitMs = againAfterMs * 2 ** Math.max(0, job.attemptsStarted - 1);
            return now() + Math.min(againAfterMostMs, waitMs);
          });
          if (nextMs === null) return;
          await job.moveToDelayed(nextMs, token);
          throw new DelayedError();
        },
        {
          ...shared,
          connection: blockingClient,
          concurrency,
          lockDuration: lostAfterMs,
          stalledInterval: lostAfterMs,
          // Replicas come and go in every deploy: being left by several loses nothing.
          maxStalledCount: Number.MAX_SAFE_INTEGER,
        },
      );
      worker.on('error', () => {});
    },

    close: async () => {
      if (worker) await isDoneWithin(worker.close(), closeWithinMs);
      await isDoneWithin(queue.close(), closeWithinMs);
      blockingClient.disconnect();
    },
  };
}
