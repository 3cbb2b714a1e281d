import { createHash } from 'node:crypto';
import type { RedisClient } from './connect-redis.ts';

/** A Lua script on keys of one slot. The server may lose it at any time; it is sent again then. */
export interface Script {
  readonly run: (
    client: RedisClient,
    key: string | readonly string[],
    args: readonly (string | number)[],
    /** The arguments where the server did not know the script: it was started since, or is another one. */
    argsIfUnknown?: readonly (string | number)[],
  ) => Promise<unknown>;
}

export function createScript(lua: string): Script {
  const sha = createHash('sha1').update(lua).digest('hex');
  return {
    run: async (client, key, args, argsIfUnknown = args) => {
      const keys = typeof key === 'string' ? [key] : key;
      try {
        return await client.evalsha(sha, keys.length, ...keys, ...args);
      } catch (error) {
        // Refused before it ran: sending it whole runs it once.
        const isLost = error instanceof Error && error.message.startsWith('NOSCRIPT');
        if (!isLost) throw error;
        return client.eval(lua, keys.length, ...keys, ...argsIfUnknown);
      }
    },
  };
}
