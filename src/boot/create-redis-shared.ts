import { BootError } from '../core/boot-error.ts';
import { modeOf } from '../core/core-deps.ts';
import { logBug } from '../core/log-bug.ts';
import { keyedHash, keyedHashes, underEach } from '../core/records/keyed-hash.ts';
import { createBullFollowUps } from '../infra/bull-follow-ups.ts';
import { connectRedis, waitForRedis, type RedisClient } from '../infra/redis/connect-redis.ts';
import { countReplicas } from '../infra/redis/count-replicas.ts';
import { evicts } from '../infra/redis/evicts.ts';
import { createRedisClock } from '../infra/redis/redis-clock.ts';
import { createRedisPacer } from '../infra/redis/redis-pacer.ts';
import { createRedisPublish } from '../infra/redis/redis-publish.ts';
import { createRedisStore } from '../infra/redis/redis-store.ts';
import { createRedisVelocity } from '../infra/redis/redis-velocity.ts';
import { createRoundTrips } from '../infra/redis/round-trips.ts';
import { createVault } from '../infra/vault.ts';
import { StoreUnavailable, type Log } from '../ports/index.ts';
import type { Config, RedisConfig } from './config.ts';
import type { Clocks, Shared } from './create-shared.ts';

const redisReadyWithinMs = 3000;

/** Throws `BootError` if Redis evicts keys. */
export async function createRedisShared(
  config: Config,
  redis: RedisConfig,
  { now, steadyNow }: Clocks,
  log: Log,
): Promise<Shared> {
  const onError = (error: unknown): void => {
    if (!(error instanceof StoreUnavailable)) logBug(log, 'follow-up', error);
  };
  const { hashKeys, limitGuardMs: guardMs } = config;
  const mode = modeOf(config);
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
 * The Redis keys for the rate limiter's state of a quota: one for each listed hash key, all in one cluster slot.
 * The quota's name is hashed, because it contains a hash of a credential, which may be a bearer secret.
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
 * A Redis that evicts keys when it is full could evict the record of a payment. If the boot finds one, it fails.
 * If one is found later, for example after a failover, the process becomes not ready.
 */
async function watchEviction(client: RedisClient, log: Log): Promise<() => boolean> {
  const found = await evicts(client);
  if (found === null && client.status === 'ready') {
    const line =
      'REDIS_URL: cannot check the eviction policy, because Redis denies CONFIG and INFO. Make sure that maxmemory-policy is noeviction.';
    log.event('warn', 'boot', { line });
  }
  let isRefused = found === true;
  if (isRefused) {
    client.disconnect();
    throw new BootError([
      'REDIS_URL names a Redis that evicts keys when it is full, so a repeat could pay twice. Set its maxmemory-policy to noeviction, or set STORE_ALLOW_EVICTION=on.',
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
