import { StoreUnavailable } from '../../ports/index.ts';
import { randomBytes } from '../random-bytes.ts';
import { isDoneWithin } from '../running-time.ts';
import {
  connectQueueRedis,
  type RedisClient,
  type RedisConnection,
} from '../redis/connect-redis.ts';
import { dispatchWebhooks } from './dispatch-webhooks.ts';
import type { WebhookEndpoint } from './webhook-endpoint.ts';
import { createWebhookQueue, workOnWebhooks, type WebhookWorkDeps } from './webhook-queues.ts';

export interface WebhookDeps extends WebhookWorkDeps {
  readonly mode: string;
  /** Gives up soon if Redis is away. The workers, which block, have connections of their own. */
  readonly client: RedisClient;
  readonly onError: (error: unknown) => void;
}

export interface Webhooks {
  /** Rejects if Redis does not tell. */
  readonly counts: () => Promise<
    readonly { readonly endpoint: string; readonly waiting: number; readonly dead: number }[]
  >;
  readonly close: () => Promise<void>;
}

const countsWithinMs = 1000;

/** Tells endpoints of events: each event becomes a delivery for each endpoint, in a queue of the endpoint. */
export function createWebhooks(
  { client, mode, ...deps }: WebhookDeps,
  connection: RedisConnection,
  endpoints: readonly WebhookEndpoint[],
): Webhooks {
  const workerClient = connectQueueRedis(connection);
  const queues = endpoints.map((endpoint) => createWebhookQueue({ client, mode }, endpoint));
  const workers = endpoints.map((endpoint) =>
    workOnWebhooks(
      { ...deps, client: workerClient, mode, isReady: () => client.status === 'ready' },
      endpoint,
    ),
  );
  const consumer = randomBytes(16).toString('base64url');
  const dispatching = queues.map((queue) =>
    dispatchWebhooks({ ...deps, client, mode, consumer }, queue),
  );
  return {
    counts: async () => {
      const counting = Promise.all(
        queues.map(async ({ endpoint, counts }) => ({
          ...{ endpoint: endpoint.id },
          ...(await counts()),
        })),
      );
      // A queue that has not found Redis yet would wait for it.
      if (!(await isDoneWithin(counting, countsWithinMs))) throw new StoreUnavailable();
      return counting;
    },
    close: async () => {
      await Promise.all(dispatching.map((each) => each.close()));
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.allSettled(queues.map((queue) => queue.close()));
      workerClient.disconnect();
    },
  };
}
