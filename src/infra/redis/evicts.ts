import { Cluster } from 'ioredis';
import type { RedisClient } from './connect-redis.ts';

/**
 * Whether a server forgets keys when it is full. False as well for one that does not say: managed
 * ones often forbid the question.
 */
export async function evicts(client: RedisClient): Promise<boolean> {
  const servers = client instanceof Cluster ? client.nodes('master') : [client];
  const policies = await Promise.all(
    servers.map(async (server) => {
      const answer = await server.config('GET', 'maxmemory-policy').catch(() => []);
      const [, policy] = answer as string[];
      return policy ?? 'noeviction';
    }),
  );
  return policies.some((policy) => policy !== 'noeviction');
}
