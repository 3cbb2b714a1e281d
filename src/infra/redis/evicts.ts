import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from './connect-redis.ts';

/**
 * Whether a server evicts keys when its memory is full. Managed servers often forbid CONFIG and report the
 * policy in INFO. Null if a server reports it in neither way and no other is known to evict.
 */
export async function evicts(client: RedisClient): Promise<boolean | null> {
  const servers = client instanceof Cluster ? client.nodes('master') : [client];
  const policies = await Promise.all(servers.map(policyOf));
  if (policies.some((policy) => policy !== null && policy !== 'noeviction')) return true;
  return policies.includes(null) ? null : false;
}

async function policyOf(server: Redis): Promise<string | null> {
  const [, configured] = (await server
    .config('GET', 'maxmemory-policy')
    .catch(() => [])) as string[];
  if (configured !== undefined) return configured;
  const memory = await server.info('memory').catch(() => '');
  return /^maxmemory_policy:(\S+)/mu.exec(memory)?.[1] ?? null;
}
