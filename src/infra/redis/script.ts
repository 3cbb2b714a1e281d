import { createHash } from 'node:crypto';
import type { RedisClient } from './connect-redis.ts';

/** A Lua script on keys of one slot. If the server does not know it, its source is sent again. */
export interface Script {
  readonly run: (
    client: RedisClient,
    key: string | readonly string[],
    args: readonly (string | number)[],
    /** The arguments to use if the server did not know the script: it was restarted, or is another one. */
    argsIfUnknown?: readonly (string | number)[],
  ) => Promise<unknown>;
}

export function createScript(lua: string): Script {
  const sha = createHash('sha1').update(lua).digest('hex');
  return {
    run: (client, key, args, argsIfUnknown = args) => {
      const keys = typeof key === 'string' ? [key] : key;
      return client.evalsha(sha, keys.length, ...keys, ...args).catch((error: unknown) => {
        // The server refused before running it. EVAL runs it once.
        const isLost = error instanceof Error && error.message.startsWith('NOSCRIPT');
        if (!isLost) throw error;
        return client.eval(lua, keys.length, ...keys, ...argsIfUnknown);
      });
    },
  };
}
