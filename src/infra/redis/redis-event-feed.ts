import { setTimeout as sleep } from 'node:timers/promises';
import type { EventFeed } from '../../ports/index.ts';
import { createListeners } from '../event-listeners.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';
import { eventStream } from './redis-publish.ts';

/** While somebody listens, this replica asks for new events this often. */
const lookEveryMs = 100;
const eventsAtOnce = 500;
/** Before the first entry. */
const beginning = '0-0';

/**
 * Reads the stream of events while somebody listens. Each look is one short command on the client that everything else
 * uses: a blocking read would need a connection of its own, without the time limits for replies, in each form of Redis.
 */
export function createRedisEventFeed(client: RedisClient, mode: string): EventFeed {
  const stream = eventStream(mode);
  const listeners = createListeners();
  /** The last event that was read. Null while nobody listens. */
  let place: Promise<string> | null = null;

  const newest = async (): Promise<string> => {
    const [entry] = await client.xrevrange(stream, '+', '-', 'COUNT', 1);
    return entry?.[0] ?? beginning;
  };

  const readAll = async (after: string): Promise<string> => {
    let last = after;
    for (;;) {
      const answer = await client.xread('COUNT', eventsAtOnce, 'STREAMS', stream, last);
      const [, entries = []] = (answer?.[0] ?? []) as [string?, [string, string[]][]?];
      for (const [id, fields] of entries) {
        last = id;
        // A replica of an earlier build writes `verificationId` only.
        const isId = (name: string): boolean => name === 'id' || name === 'verificationId';
        const at = fields.findIndex((name, index) => index % 2 === 0 && isId(name));
        if (at >= 0) listeners.tell(fields[at + 1] ?? '');
      }
      if (entries.length < eventsAtOnce) return last;
    }
  };

  const follow = async (from: string): Promise<void> => {
    let last = from;
    while (listeners.count() > 0) {
      await sleep(lookEveryMs, undefined, { ref: false });
      // If Redis is away, the next look reads what came meanwhile.
      last = await readAll(last).catch(() => last);
    }
    place = null;
  };

  const begin = (): Promise<string> => {
    const begun = newest();
    void begun.then(follow, () => {
      place = null;
    });
    return begun;
  };

  return {
    listen: async (recordId, listener) => {
      const stop = listeners.add(recordId, listener);
      try {
        place ??= begin();
        await orUnavailable(() => place ?? Promise.resolve(beginning));
        return stop;
      } catch (error) {
        stop();
        throw error;
      }
    },
  };
}
