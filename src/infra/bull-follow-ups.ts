import { DelayedError, Queue, Worker } from 'bullmq';
import { StoreUnavailable, type FollowUps } from '../ports/index.ts';
import type { RedisClient } from './redis/connect-redis.ts';
import { isDoneWithin } from './running-time.ts';

/** Performs a follow-up. Resolves to the time of the next one; null if there is none. */
export type FollowUp = (id: string) => Promise<number | null>;

export interface FollowUpPlan extends FollowUps {
  /** Starts performing follow-ups. If `visit` throws, it is retried later. */
  readonly begin: (visit: FollowUp) => void;
  readonly close: () => Promise<void>;
}

interface Deps {
  /** For planning. Its commands fail fast. */
  readonly client: RedisClient;
  /** For the worker, which waits in Redis for the next job. Its commands have no time limit. */
  readonly blockingClient: RedisClient;
  readonly now: () => number;
  readonly mode: string;
  readonly onError: (error: unknown) => void;
}

const planWithinMs = 1000;
/** The delay after a failed visit. It doubles with each attempt. */
const againAfterMs = 5000;
const againAfterMostMs = 300_000;
/** A replica that stopped during a visit is noticed after one to two times this long. */
const lostAfterMs = 10_000;
const concurrency = 4;
const closeWithinMs = 2000;
const queueName = 'visits';

/** Follow-ups over BullMQ. One replica performs each, whichever planned it. The queue contains ids only. */
export function createBullFollowUps(deps: Deps): FollowUpPlan {
  const { client, blockingClient, now, mode } = deps;
  const shared = {
    // Braces: one slot in a cluster.
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
      // A visit that fails for any reason is kept.
      attempts: Number.MAX_SAFE_INTEGER,
      backoff: { type: 'fixed', delay: againAfterMs },
      stackTraceLimit: 0,
    },
  });
  // Failed commands are reported where they are called, and these errors contain their arguments.
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
          // Replicas stop at every deployment. A job that several of them left is not lost.
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
