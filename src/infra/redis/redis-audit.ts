import type { Audit } from '../../ports/index.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';

/** The newest entries that are kept; older ones are dropped. Documented in docs/events.md. */
const mostEntries = 100_000;

/** Appends to a stream that only an auditor reads: docs/events.md. Ids and codes only. */
export function createRedisAudit(client: RedisClient, mode: string): Audit {
  return async ({ atMs, ...entry }) => {
    const told = Object.entries(entry).filter(([, value]) => value !== null);
    const fields = told.flatMap(([name, value]) => [name, String(value)]);
    const at = ['at', new Date(atMs).toISOString()];
    await orUnavailable(() =>
      client.xadd(`{vs:${mode}}:audit`, 'MAXLEN', '~', mostEntries, '*', ...fields, ...at),
    );
  };
}
