import type { Publish } from '../../ports/index.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';

/** The newest events that are kept; older ones are dropped. Documented in docs/events.md. */
const mostEvents = 100_000;

/** Appends to a stream that other services read: docs/events.md. Ids only. */
export function createRedisPublish(client: RedisClient, mode: string): Publish {
  return async ({ verificationId, status, atMs }) => {
    const fields = ['verificationId', verificationId, 'status', status];
    const at = ['at', new Date(atMs).toISOString()];
    await orUnavailable(() =>
      client.xadd(`vs:${mode}:events`, 'MAXLEN', '~', mostEvents, '*', ...fields, ...at),
    );
  };
}
