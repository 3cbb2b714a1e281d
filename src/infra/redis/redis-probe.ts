import { randomBytes } from 'node:crypto';
import { Cluster, Command } from 'ioredis';
import { releaseClaim, startClaim, takeClaim } from './claim-scripts.ts';
import { orUnavailable, type RedisClient } from './connect-redis.ts';

const lifeMs = 10_000;

/**
 * Does what a claim does, on every server that claims may be on: takes, starts and releases one that is
 * nobody's. A server that answers PING may still refuse that: full memory, missing rights, a read-only
 * replica, a cluster of which one node hangs.
 *
 * Throws `StoreUnavailable`. Those who ask at the same time share one probe.
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
    await Promise.all(placesOfEachMaster(client, mode).map(passThrough));
  }

  async function passThrough(place: string): Promise<void> {
    const owner = randomBytes(8).toString('base64url');
    const answer = await takeClaim.run(client, place, ['', '', owner, 'free_start', lifeMs]);
    const [state, fence] = answer as [string, string];
    // Somebody else's probe is as good.
    if (state !== 'won') return;
    await startClaim.run(client, place, [owner, fence, 'claimed', lifeMs, lifeMs]);
    await releaseClaim.run(client, place, [owner, fence]);
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

/** A key on each master; none is left out as long as it serves a slot. */
function placesOfEachMaster(client: RedisClient, mode: string): readonly string[] {
  const toPlace = (at: number): string => `vs:${mode}:probe:${at}`;
  if (!(client instanceof Cluster)) return [toPlace(0)];
  const masters = new Set(client.slots.flatMap(([master]) => master ?? []));
  const places = new Map<string, string>();
  for (let at = 0; at < mostTries && places.size < masters.size; at++) {
    const place = toPlace(at);
    const master = client.slots[new Command('get', [place]).getSlot()]?.[0];
    if (master !== undefined && !places.has(master)) places.set(master, place);
  }
  // Nothing is known of a cluster that nobody has reached.
  return places.size > 0 ? [...places.values()] : [toPlace(0)];
}
