import { Queue, Worker, type Job } from 'bullmq';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
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
  /** For the worker. Its commands have no time limit. */
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
/** How often a worker looks for a due job while there is none. */
const lookEveryMs = 500;
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
  let stopWorking: () => Promise<void> = async () => {};

  return {
    plan: async (id, atMs) => {
      const added = queue.add('visit', {}, { jobId: id, delay: Math.max(0, atMs - now()) });
      if (!(await isDoneWithin(added, planWithinMs))) throw new StoreUnavailable();
    },

    bringForward: async (id, atMs) => {
      const changing = queue.getJob(id).then((job) => job?.changeDelay(Math.max(0, atMs - now())));
      if (!(await isDoneWithin(changing, planWithinMs))) throw new StoreUnavailable();
    },

    begin: (visit) => {
      const worker = new Worker(queueName, null, {
        ...shared,
        connection: blockingClient,
        autorun: false,
        lockDuration: lostAfterMs,
        stalledInterval: lostAfterMs,
        // Replicas stop at every deployment. A job that several of them left is not lost.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
      });
      worker.on('error', () => {});
      const ending = new AbortController();
      void worker.startStalledCheckTimer().catch(() => {});
      const working = work(worker, ending.signal, (job, token) =>
        performJob({ ...deps, visit }, job, token),
      );
      stopWorking = async () => {
        ending.abort();
        await working;
        await worker.close();
      };
    },

    close: async () => {
      await isDoneWithin(stopWorking(), closeWithinMs);
      await isDoneWithin(queue.close(), closeWithinMs);
      blockingClient.disconnect();
    },
  };
}

/**
 * Performs due jobs until `ending`, some at a time. BullMQ's own loop waits in Redis for the next job and is woken
 * by each planned one, although that is due in minutes: 60 µs of Redis and 200 µs of this process for each start
 * (6.7, 2026-11-26).
 */
async function work(
  worker: Worker,
  ending: AbortSignal,
  perform: (job: Job, token: string) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  while (!ending.aborted) {
    const token = randomUUID();
    const job = await worker.getNextJob(token, { block: false }).catch(() => undefined);
    if (job) {
      const performing: Promise<void> = perform(job, token).finally(() =>
        running.delete(performing),
      );
      running.add(performing);
      if (running.size >= concurrency) await Promise.race(running);
    } else {
      await sleep(lookEveryMs, undefined, { signal: ending }).catch(() => {});
    }
  }
  await Promise.all(running);
}

/** Never rejects: what this process cannot settle, another one performs when the lock has expired. */
async function performJob(
  { visit, now, onError }: Pick<Deps, 'now' | 'onError'> & { readonly visit: FollowUp },
  job: Job,
  token: string,
): Promise<void> {
  const renewing = setInterval(() => {
    void job.extendLock(token, lostAfterMs).catch(() => {});
  }, lostAfterMs / 3);
  try {
    const nextMs = await visit(job.id ?? '').catch((error: unknown) => {
      onError(error);
      const waitMs = againAfterMs * 2 ** Math.max(0, job.attemptsStarted - 1);
      return now() + Math.min(againAfterMostMs, waitMs);
    });
    if (nextMs === null) await job.moveToCompleted(null, token, false);
    else await job.moveToDelayed(nextMs, token);
  } catch {
    // The lock is lost, or Redis is away.
  } finally {
    clearInterval(renewing);
  }
}
