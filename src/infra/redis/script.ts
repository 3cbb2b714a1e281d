import { createHash } from 'node:crypto';
import type { RedisClient } from './connect-redis.ts';

/** A Lua script on one key. It may be lost by the server at any time, and is sent again then. */
export interface Script {
  readonly run: (
    client: RedisClient,
    key: string,
    args: readonly (string | number)[],
  ) => Promise<unknown>;
}

export function createScript(lua: string): Script {
  const sha = createHash('sha1').update(lua).digest('hex');
  return {
    run: async (client, key, args) => {
      try {
        return await client.evalsha(sha, 1, key, ...args);
      } catch (error) {
        // Refused before it ran: sending it whole runs it once.
        const isLost = error instanceof Error && error.message.startsWith('NOSCRIPT');
        if (!isLost) throw error;
        return client.eval(lua, 1, key, ...args);
      }
    },
  };
}
