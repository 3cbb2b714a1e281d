import { randomBytes } from 'node:crypto';
import { Cluster, Command } from 'ioredis';
import { releaseClaim, startClaim, takeClaim } from './claim-scripts.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';

const lifeMs = 10_000;
/** Their number, and the two bounds of the ledger. */
const noEntries = [0, 1, 1] as const;

/**
 * Performs what a claim needs on every server that may hold claims: takes, starts and releases a claim of
 * its own. A server that responds to PING may still refuse that, because of full memory, missing rights, a
 * read-only replica, or a hanging node of a cluster.
 *
 * Throws `StoreUnavailable`. Concurrent callers share one probe (single flight).
 */
export function createRedisProbe({
  client,
  mode,
}: {
  readonly client: RedisClient;
  readonly mode: string;
}): () => Promise<void> {
  let running: Promise<void> | null = null;

  async function probe(): Promise<void> {
    // New keys each time. A server that only reads shows what was written on its master, and one that is full may still
    // take a claim and then refuse to start it.
    const prefix = `vs:${mode}:probe:${randomBytes(8).toString('base64url')}`;
    await Promise.all(placesOfEachMaster(client, prefix).map(passThrough));
  }

  async function passThrough(place: string): Promise<void> {
    const owner = randomBytes(8).toString('base64url');
    const answer = await takeClaim.run(client, place, ['', '', owner, 'free_start', lifeMs]);
    const [, fence] = answer as [string, string];
    await startClaim.run(client, place, [owner, fence, 'claimed', lifeMs, lifeMs]);
    // Together with the ledger, as every step that it tells of. A proxy before a cluster refuses keys of two slots.
    const keys = client.isCluster ? [place] : [place, `{vs:${mode}}:audit`];
    await releaseClaim.run(client, keys, [owner, fence, ...noEntries]);
  }

  return () => {
    running ??= orUnavailable(probe).finally(() => {
      running = null;
    });
    return running;
  };
}

/** Many times the number of masters in any cluster. */
const mostTries = 10_000;

/** One key on each master that serves a slot. */
function placesOfEachMaster(client: RedisClient, prefix: string): readonly string[] {
  const toPlace = (at: number): string => `${prefix}:${at}`;
  if (!(client instanceof Cluster)) return [toPlace(0)];
  const masters = new Set(client.slots.flatMap(([master]) => master ?? []));
  const places = new Map<string, string>();
  for (let at = 0; at < mostTries && places.size < masters.size; at++) {
    const place = toPlace(at);
    const master = client.slots[new Command('get', [place]).getSlot()]?.[0];
    if (master !== undefined && !places.has(master)) places.set(master, place);
  }
  // The slots of a cluster are not known before the first connection.
  return places.size > 0 ? [...places.values()] : [toPlace(0)];
}
