import { loadConfig, type Config, type RedisConfig } from '../boot/config.ts';
import { toRedisConnection } from '../boot/to-redis-connection.ts';
import { loadYamlParser } from '../boot/load-yaml-parser.ts';
import { loadProviders } from '../boot/load-providers.ts';
import { BootError } from '../core/boot-error.ts';
import { modeOf } from '../core/core-deps.ts';
import { keyedHash, underEach } from '../core/records/keyed-hash.ts';
import {
  connectRedis,
  waitForRedis,
  type RedisClient,
  type RedisConnection,
} from '../infra/redis/connect-redis.ts';
import { sealOf } from './export-seal.ts';
import { createRedisLedger } from '../infra/redis/redis-ledger.ts';
import { createRedisPublish } from '../infra/redis/redis-publish.ts';
import {
  readChainBefore,
  readRedisLedger,
  type LedgerLine,
} from '../infra/redis/read-redis-ledger.ts';
import { redisRecords } from '../infra/redis/redis-records.ts';
import { createVault } from '../infra/vault.ts';
import type { Publish, RecordStore } from '../ports/index.ts';

/** What a command reads. No service needs to run. */
export interface OpenStore {
  readonly mode: string;
  readonly records: Pick<RecordStore, 'get'>;
  /** The entries of the ledger, oldest first. Both ends are epoch ms by Redis' clock, and included. */
  readonly ledger: (fromMs: number, toMs: number) => AsyncIterable<LedgerLine>;
  /** `chain` of the newest entry before a time; null if there is none, or it is not kept. */
  readonly chainBefore: (ms: number) => Promise<string | null>;
  readonly publish: Publish;
  /** Proves the last line of an export. */
  readonly seal: (end: Readonly<Record<string, string>>) => string;
  readonly close: () => void;
}

/** Longer than the service waits: nobody waits for a command but the person who ran it. */
const readyWithinMs = 10_000;

/**
 * Connects to the Redis of the service's own settings, in any of its forms. `mode` is `live` or `sandbox`; by default that
 * of the settings, so that `sandbox` is meant where no provider has credentials. Throws `BootError`.
 */
export async function openStore(
  env: Readonly<Record<string, string | undefined>>,
  mode?: string,
): Promise<OpenStore> {
  const { config, redis, connection } = await readStoreSettings(env);
  const { hashKeys } = config;
  const space = mode ?? modeOf(config);
  const client = await connectOrFail(connection);
  return {
    mode: space,
    records: redisRecords({
      client,
      vault: createVault({ keys: redis.encryptionKeys, mode: space }),
      namesOf: (id) => underEach(hashKeys, ({ key }) => keyedHash(key, 'record', [id])),
      mode: space,
      ledger: createRedisLedger({
        ...{ client, mode: space, scopes: null, now: Date.now },
        bounds: { mostEntries: config.auditMostEntries, days: config.auditDays },
      }),
    }),
    ledger: (fromMs, toMs) => readRedisLedger(client, space, { fromMs, toMs }),
    chainBefore: (ms) => readChainBefore(client, space, ms),
    publish: createRedisPublish(client, space),
    seal: (end) => sealOf(hashKeys[0], end),
    close: () => client.disconnect(),
  };
}

export interface StoreSettings {
  readonly config: Config;
  readonly redis: RedisConfig;
  readonly connection: RedisConnection;
}

/** Throws `BootError`. */
export async function readStoreSettings(
  env: Readonly<Record<string, string | undefined>>,
): Promise<StoreSettings> {
  const parseYaml = await loadYamlParser(env);
  const config = loadConfig(env, await loadProviders(env), { parseYaml });
  const { redis } = config;
  if (!redis) {
    throw new BootError(['REDIS_URL is needed, and both key lists: this command reads the store.']);
  }
  return { config, redis, connection: toRedisConnection(redis) };
}

/** Throws `BootError` if Redis cannot be reached. */
export async function connectOrFail(connection: RedisConnection): Promise<RedisClient> {
  const client = connectRedis(connection);
  await waitForRedis(client, readyWithinMs);
  if (client.status === 'ready') return client;
  client.disconnect();
  throw new BootError(['Redis cannot be reached with REDIS_URL.']);
}
