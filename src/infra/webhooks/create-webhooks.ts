import { randomBytes } from '../random-bytes.ts';
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
  /** For the stream of events. The queues have a connection of their own. */
  readonly client: RedisClient;
}

export interface Webhooks {
  /** Rejects if Redis does not tell. */
  readonly counts: () => Promise<
    readonly { readonly endpoint: string; readonly waiting: number; readonly dead: number }[]
  >;
  readonly close: () => Promise<void>;
}

/** Tells endpoints of events: each event becomes a delivery for each endpoint, in a queue of the endpoint. */
export function createWebhooks(
  { client, mode, ...deps }: WebhookDeps,
  connection: RedisConnection,
  endpoints: readonly WebhookEndpoint[],
): Webhooks {
  const queueClient = connectQueueRedis(connection);
  const place = { client: queueClient, mode };
  const queues = endpoints.map((endpoint) => createWebhookQueue(place, endpoint));
  const workers = endpoints.map((endpoint) => workOnWebhooks({ ...deps, ...place }, endpoint));
  const consumer = randomBytes(16).toString('base64url');
  const dispatching = dispatchWebhooks({ client, mode, consumer, queues });
  return {
    counts: () =>
      Promise.all(
        queues.map(async ({ endpoint, counts }) => ({
          endpoint: endpoint.id,
          ...(await counts()),
        })),
      ),
    close: async () => {
      await dispatching.close();
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.allSettled(queues.map((queue) => queue.close()));
      queueClient.disconnect();
    },
  };
}
