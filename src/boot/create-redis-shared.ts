import { BootError } from '../core/boot-error.ts';
import { modeOf } from '../core/core-deps.ts';
import { toEvent } from '../core/ledger/to-event.ts';
import { logBug } from '../core/log-bug.ts';
import { keyedHash, keyedHashes, underEach } from '../core/records/keyed-hash.ts';
import {
  connectRedis,
  waitForRedis,
  type RedisClient,
  type RedisConnection,
} from '../infra/redis/connect-redis.ts';
import { countReplicas } from '../infra/redis/count-replicas.ts';
import { evicts } from '../infra/redis/evicts.ts';
import { measureLedger } from '../infra/redis/measure-ledger.ts';
import { createRedisClock } from '../infra/redis/redis-clock.ts';
import { createRedisEventFeed } from '../infra/redis/redis-event-feed.ts';
import { createEventRelay } from '../infra/redis/relay-events.ts';
import { randomBytes } from '../infra/random-bytes.ts';
import { createRedisFollowUps } from '../infra/redis/redis-follow-ups.ts';
import { createRedisPacer } from '../infra/redis/redis-pacer.ts';
import { createRedisLedger } from '../infra/redis/redis-ledger.ts';
import { createRedisPublish } from '../infra/redis/redis-publish.ts';
import { createRedisStore } from '../infra/redis/redis-store.ts';
import { createRedisVelocity } from '../infra/redis/redis-velocity.ts';
import { watchRedisState, type RedisState } from '../infra/redis/watch-redis-state.ts';
import { createRoundTrips } from '../infra/redis/round-trips.ts';
import { createVault } from '../infra/vault.ts';
import type { WebhookDeps, Webhooks } from '../infra/webhooks/create-webhooks.ts';
import { StoreUnavailable, type Log, type Store } from '../ports/index.ts';
import type { Config, RedisConfig } from './config.ts';
import { toRedisConnection } from './to-redis-connection.ts';
import type { Clocks, Shared, SharedTelemetry } from './create-shared.ts';

const redisReadyWithinMs = 3000;

/** Throws `BootError` if Redis evicts keys. */
export async function createRedisShared(
  config: Config,
  redis: RedisConfig,
  { now, steadyNow }: Clocks,
  { log, scopes, metrics }: SharedTelemetry,
): Promise<Shared> {
  const { hashKeys, limitGuardMs: guardMs } = config;
  const mode = modeOf(config);
  const state = watchRedisState(log);
  const connection = toRedisConnection(redis);
  const client = connectRedis(connection, state, scopes);
  await waitForRedis(client, redisReadyWithinMs);
  if (state.fault() === 'database') {
    client.disconnect();
    throw new BootError(['REDIS_URL names a database that this Redis does not have.']);
  }
  const eviction =
    config.sandbox || config.allowEviction ? null : await watchEviction(client, state, log);
  const roundTrips = createRoundTrips((roundTripMs) =>
    log.event('warn', 'store_far', { roundTripMs }),
  );
  const replicas = countReplicas(client, mode, roundTrips.add);
  const bounds = { mostEntries: config.auditMostEntries, days: config.auditDays };
  const store = createRedisStore({
    client,
    ledger: createRedisLedger({ client, mode, bounds, scopes, now }),
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
  const bugIn =
    (where: string) =>
    (error: unknown): void => {
      if (!(error instanceof StoreUnavailable)) logBug(log, where, error);
    };
  const followUps = createRedisFollowUps({ client, mode, onError: bugIn('follow-up') });
  const publish = createRedisPublish(client, mode);
  const relay = createEventRelay({
    ...{ client, mode, publish, toEvent, now },
    owner: randomBytes(16).toString('base64url'),
    onError: bugIn('events'),
  });
  const webhooks = await startWebhooks(config, connection, {
    ...{ mode, client, now, log, metrics },
    onError: bugIn('webhooks'),
  });
  const ping = async (): Promise<void> => {
    await store.ping();
    state.works();
    await eviction?.demandNone();
  };
  // A claim in a server that evicts keys could be forgotten, and a repeat could pay twice.
  const claims: Store['claims'] = {
    ...store.claims,
    take: async (claim) => {
      await eviction?.demandNone();
      return store.claims.take(claim);
    },
    start: async (...given) => {
      const isStarted = await store.claims.start(...given);
      // It has written, which a server that is full or only reads refuses.
      if (isStarted) state.works();
      return isStarted;
    },
  };
  return {
    store: { ...store, claims, ping },
    storeFault: state.fault,
    pacer,
    velocity: createRedisVelocity({ client, mode }),
    followUps,
    publish,
    events: createRedisEventFeed(client, mode),
    ledgerState: () => measureLedger(client, mode),
    webhookCounts: async () => (await webhooks?.counts()) ?? [],
    storeRoundTripMs: roundTrips.currentMs,
    close: async () => {
      replicas.stop();
      eviction?.stop();
      await Promise.all([followUps.close(), relay.close(), webhooks?.close()]);
      await store.close();
    },
  };
}

/** Loaded only where they are used. */
async function startWebhooks(
  { webhooks: endpoints }: Config,
  connection: RedisConnection,
  deps: WebhookDeps,
): Promise<Webhooks | null> {
  if (endpoints.length === 0) return null;
  const { createWebhooks } = await import('../infra/webhooks/create-webhooks.ts');
  return createWebhooks(deps, connection, endpoints);
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

interface Eviction {
  /** Throws `StoreUnavailable` if the server evicts keys, or if that is not known after a connection was made. */
  readonly demandNone: () => Promise<void>;
  readonly stop: () => void;
}

/** A setting of a running server can be changed without a new connection. */
const checkEvictionEveryMs = 10_000;

/**
 * A Redis that evicts keys when it is full could evict the record of a payment. If the boot finds one, it fails. If
 * one is found later, for example after a failover, nothing chargeable is started.
 */
async function watchEviction(client: RedisClient, state: RedisState, log: Log): Promise<Eviction> {
  let found = await evicts(client);
  if (found === null && client.status === 'ready') {
    const line =
      'REDIS_URL: cannot check the eviction policy, because Redis denies CONFIG and INFO. Make sure that maxmemory-policy is noeviction.';
    log.event('warn', 'boot', { line });
  }
  if (found === true) {
    client.disconnect();
    throw new BootError([
      'REDIS_URL names a Redis that evicts keys when it is full, so a repeat could pay twice. Set its maxmemory-policy to noeviction, or set STORE_ALLOW_EVICTION=on.',
    ]);
  }
  const check = async (): Promise<void> => {
    // A server that does not say is taken as at the boot.
    found = (await evicts(client).catch(() => null)) ?? found;
    state.evicts(found === true);
  };
  // A new connection may lead to another server, so claims wait until its policy is known.
  let known = Promise.resolve();
  const checkNow = (): void => {
    known = check();
  };
  client.on('ready', checkNow);
  client.on('+node', checkNow);
  const timer = setInterval(() => void check(), checkEvictionEveryMs);
  timer.unref();
  return {
    demandNone: async () => {
      await known;
      if (found === true) throw new StoreUnavailable();
    },
    stop: () => clearInterval(timer),
  };
}
