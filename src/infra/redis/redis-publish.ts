import type { Publish, ServiceEvent } from '../../ports/index.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';

/** The newest events that are kept; older ones are dropped. Documented in docs/events.md. */
const mostEvents = 100_000;

/** The stream that other services read: docs/events.md. */
export function eventStream(mode: string): string {
  return `vs:${mode}:events`;
}

/** The id in a stream after which everything is newer than this millisecond. */
export function endOfMs(ms: number): string {
  return `${ms}-18446744073709551615`;
}

/** Appends to the stream of events. Ids and a status only. */
export function createRedisPublish(client: RedisClient, mode: string): Publish {
  return async (event) => {
    const fields = toFields(event);
    await orUnavailable(() =>
      client.xadd(eventStream(mode), 'MAXLEN', '~', mostEvents, '*', ...fields),
    );
  };
}

/**
 * `verificationId` is for consumers from before there were kinds: they take each entry with it for the end of a
 * verification. So no entry of another kind has it.
 */
function toFields({ kind, recordId, tenantId, status, atMs }: ServiceEvent): string[] {
  const at = ['at', new Date(atMs).toISOString()];
  return [
    ...['kind', kind, 'id', recordId, 'tenantId', tenantId],
    ...(kind === 'verification.ended' ? ['verificationId', recordId] : []),
    ...(status === null ? [] : ['status', status]),
    ...at,
  ];
}
