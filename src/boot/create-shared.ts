import type { Config } from './config.ts';
import {
  StoreUnavailable,
  type Publish,
  type Log,
  type Store,
  type Velocity,
} from '../ports/index.ts';
import { BootError } from '../core/boot-error.ts';
import { modeOf } from '../core/core-deps.ts';
import { keyedHash, keyedHashes, underEach } from '../core/records/keyed-hash.ts';
import { logBug } from '../core/log-bug.ts';
import type { Pacer } from '../infra/bottleneck-limiter.ts';
import { createBullFollowUps, type FollowUpPlan } from '../infra/bull-follow-ups.ts';
import { createMemoryPacer } from '../infra/memory-pacer.ts';
import { createMemoryStore } from '../infra/memory-store.ts';
import { createMemoryVelocity } from '../infra/memory-velocity.ts';
import { createMemoryFollowUps } from '../infra/memory-follow-ups.ts';
import { connectRedis, waitForRedis, type RedisClient } from '../infra/redis/connect-redis.ts';
import { countReplicas } from '../infra/redis/count-replicas.ts';
import { evicts } from '../infra/redis/evicts.ts';
import { createRedisPublish } from '../infra/redis/redis-publish.ts';
import { createRedisClock } from '../infra/redis/redis-clock.ts';
import { createRedisPacer } from '../infra/redis/redis-pacer.ts';
import { createRedisStore } from '../infra/redis/redis-store.ts';
import { createRedisVelocity } from '../infra/redis/redis-velocity.ts';
import { createRoundTrips } from '../infra/redis/round-trips.ts';
import { createVault } from '../infra/vault.ts';

const redisReadyWithinMs = 3000;

/** What replicas share, or this process' own. */
export interface Shared {
  readonly store: Store;
  readonly pacer: Pacer;
  readonly velocity: Velocity;
  readonly followUps: FollowUpPlan;
  readonly publish: Publish;
  /** How far away the store is; null where it is in this process, or not known yet. */
  readonly storeRoundTripMs: () => number | null;
  readonly close: () => Promise<void>;
}

/** A Redis that does not answer leaves the process not ready, and alive. */
export async function createShared(
  config: Config,
  { now, steadyNow }: { readonly now: () => number; readonly steadyNow: () => number },
  log: Log,
): Promise<Shared> {
  const onError = (error: unknown): void => {
    if (!(error instanceof StoreUnavailable)) logBug(log, 'visit', error);
  };
  const { redis, hashKeys, limitGuardMs: guardMs } = config;
  const mode = modeOf(config);
  if (!redis) {
    const store = createMemoryStore({ now });
    const pacer = createMemoryPacer({ now: steadyNow, guardMs });
    const followUps = createMemoryFollowUps({ now, onError });
    return {
      ...{ store, pacer, followUps },
      velocity: createMemoryVelocity({ now }),
      // Nobody else can hear it.
      publish: async () => {},
      storeRoundTripMs: () => null,
      close: followUps.close,
    };
  }
  const client = connectRedis(redis.url.reveal());
  await waitForRedis(client, redisReadyWithinMs);
  const isRefused =
    config.sandbox || config.allowEviction ? null : await watchEviction(client, log);
  const roundTrips = createRoundTrips((roundTripMs) =>
    log.event('warn', 'store_far', { roundTripMs }),
  );
  const replicas = countReplicas(client, mode, roundTrips.add);
  const store = createRedisStore({
    client,
    vault: createVault({ keys: redis.encryptionKeys, mode }),
    namesOf: (id) => underEach(hashKeys, ({ key }) => keyedHash(key, 'record', [id])),
    mode,
  });
  const pacer = createRedisPacer({
    ...{ client, guardMs },
    now: steadyNow,
    placesOf: (key) => quotaPlaces(hashKeys, mode, key),
    clock: createRedisClock(),
    replicas: replicas.current,
  });
  const followUps = createBullFollowUps({
    ...{ client, now, mode, onError },
    blockingClient: connectRedis(redis.url.reveal(), 'blocking'),
  });
  const ping = async (): Promise<void> => {
    await store.ping();
    if (isRefused?.()) throw new StoreUnavailable();
  };
  return {
    store: { ...store, ping },
    pacer,
    velocity: createRedisVelocity({ client, mode }),
    followUps,
    publish: createRedisPublish(client, mode),
    storeRoundTripMs: roundTrips.currentMs,
    close: async () => {
      replicas.stop();
      await followUps.close();
      await store.close();
    },
  };
}

/**
 * Where the moments of sending of a quota are kept: under each listed hash key, in one slot. The name of a
 * quota holds a hash of an account's credential, which may be a bearer secret.
 */
function quotaPlaces(
  hashKeys: Config['hashKeys'],
  mode: string,
  key: string,
): readonly [string, ...string[]] {
  const action = key.slice(0, key.lastIndexOf(':'));
  const place = (hash: string): string => `vs:${mode}:quota:{${action}}:${hash}`;
  const [first, ...others] = keyedHashes(hashKeys, 'quota', [mode, key]);
  return [place(first), ...others.map(place)];
}

/**
 * A Redis that forgets keys when it is full could forget that something was paid. One that is met at
 * the start stops it; one that comes later, or after a failover, leaves the process not ready.
 */
async function watchEviction(client: RedisClient, log: Log): Promise<() => boolean> {
  const found = await evicts(client);
  if (found === null && client.status === 'ready') {
    const line = 'REDIS_URL: CONFIG and INFO are denied. See yourself that it is noeviction.';
    log.event('warn', 'boot', { line });
  }
  let isRefused = found === true;
  if (isRefused) {
    client.disconnect();
    throw new BootError([
      'REDIS_URL names a Redis that forgets keys when it is full: what was paid could be paid again. Set its maxmemory-policy to noeviction, or STORE_ALLOW_EVICTION=on.',
    ]);
  }
  client.on('ready', () => {
    const check = async (): Promise<void> => {
      isRefused = (await evicts(client)) === true;
    };
    void check();
  });
  return () => isRefused;
}
