import type { ListEntry, ListStore } from '../../ports/index.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';
import { createScript } from './script.ts';

/** ARGV: id, its time, the time up to which entries are dropped, retention in ms. */
const addToList = createScript(`
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
`);

/** Lists of record ids as sorted sets. Keys are keyed hashes; members are ids only. */
export function redisLists({
  client,
  mode,
}: {
  readonly client: RedisClient;
  readonly mode: string;
}): ListStore {
  const placeOf = (key: string): string => `vs:${mode}:list:${key}`;

  return {
    add: async (key, { id, atMs }, keepSeconds) => {
      const keepMs = Math.ceil(keepSeconds * 1000);
      const args = [id, atMs, atMs - keepMs, keepMs];
      await orUnavailable(() => addToList.run(client, placeOf(key), args));
    },

    page: async (key, after, most) => {
      const found: ListEntry[] = [];
      for (let from = 0; found.length < most;) {
        const range = [placeOf(key), after?.atMs ?? '+inf', '-inf'] as const;
        // One more, because `after` itself is included.
        const part = await orUnavailable(() =>
          client.zrange(...range, 'BYSCORE', 'REV', 'LIMIT', from, most + 1, 'WITHSCORES'),
        );
        const entries = toEntries(part);
        // Several entries may have the same time. Those up to `after` were returned before.
        found.push(
          ...entries.filter(({ id, atMs }) => !after || atMs < after.atMs || id < after.id),
        );
        if (entries.length <= most) break;
        from += entries.length;
      }
      return found.slice(0, most);
    },

    remove: async (key, ids) => {
      if (ids.length > 0) await orUnavailable(() => client.zrem(placeOf(key), ...ids));
    },
  };
}

function toEntries(flat: readonly string[]): ListEntry[] {
  const entries: ListEntry[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    entries.push({ id: flat[at] ?? '', atMs: Number(flat[at + 1]) });
  }
  return entries;
}
