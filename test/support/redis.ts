import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { Secret } from '../../src/contract/index.ts';
import { keyedHash, underEach, type NamedKey } from '../../src/core/records/keyed-hash.ts';
import {
  connectRedis,
  waitForRedis,
  type RedisClient,
} from '../../src/infra/redis/connect-redis.ts';
import { createRedisLedger } from '../../src/infra/redis/redis-ledger.ts';
import { createRedisStore } from '../../src/infra/redis/redis-store.ts';
import { createVault } from '../../src/infra/vault.ts';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly child: ChildProcess;
  /** Sends one command over a connection of its own. */
  readonly command: (...args: [string, ...string[]]) => Promise<unknown>;
  /** Kills it, and starts it again with what it last saved. */
  readonly restart: () => Promise<RedisServer>;
  readonly stop: () => Promise<void>;
}

/** A real redis-server on a free port of loopback that keeps nothing on disk. */
export async function startRedis(
  args: readonly string[] = [],
  given: { readonly port?: number; readonly directory?: string } = {},
): Promise<RedisServer> {
  const port = given.port ?? (await freePort());
  const directory = given.directory ?? mkdtempSync(join(tmpdir(), 'redis-'));
  const child = spawn(
    'redis-server',
    [
      ...(args[0]?.startsWith('/') ? [] : ['--port', String(port)]),
      ...args,
      ...['--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'no'],
      ...['--daemonize', 'no', '--logfile', ''],
    ],
    { stdio: 'ignore' },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const command = async (...parts: [string, ...string[]]): Promise<unknown> => {
    const client = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: null });
    client.on('error', () => {});
    try {
      await client.connect();
      const [name, ...rest] = parts;
      return await client.call(name, ...rest);
    } finally {
      client.disconnect();
    }
  };
  await until(
    () =>
      command('PING').then(
        () => true,
        () => false,
      ),
    20_000,
  );
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    child,
    command,
    restart: async () => {
      child.kill('SIGKILL');
      await exited;
      return startRedis(args, { port, directory });
    },
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export interface RedisGroup {
  readonly url: string;
  readonly servers: readonly RedisServer[];
  readonly stop: () => Promise<void>;
}

/** Three masters, each with a third of the slots. */
export async function startCluster(): Promise<RedisGroup> {
  const args = ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'];
  const servers = await Promise.all(
    [1, 2, 3].map(async () => startRedis([...args, '--cluster-node-timeout', '2000'])),
  );
  const [first] = servers;
  for (const [at, server] of servers.entries()) {
    const from = Math.floor((16_384 * at) / 3);
    const to = Math.floor((16_384 * (at + 1)) / 3) - 1;
    await server.command('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
    if (first && server !== first) {
      await server.command('CLUSTER', 'MEET', '127.0.0.1', String(first.port));
    }
  }
  for (const server of servers) {
    await until(
      async () => String(await server.command('CLUSTER', 'INFO')).includes('cluster_state:ok'),
      30_000,
    );
  }
  return {
    url: `redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    servers,
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

/** A master, a replica and one sentinel that watches them; `servers` in this order. */
export async function startSentinel(): Promise<RedisGroup> {
  const master = await startRedis(['--repl-diskless-sync-delay', '0']);
  const replica = await startRedis(['--replicaof', '127.0.0.1', String(master.port)]);
  await until(
    async () =>
      String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
    30_000,
  );
  const directory = mkdtempSync(join(tmpdir(), 'sentinel-'));
  const config = join(directory, 'sentinel.conf');
  const port = await freePort();
  writeFileSync(
    config,
    [
      `port ${port}`,
      `sentinel monitor main 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 2000',
    ].join('\n'),
  );
  const sentinel = await startRedis([config, '--sentinel'], { port });
  await until(async () => {
    const found = await sentinel.command('SENTINEL', 'REPLICAS', 'main').catch(() => []);
    return Array.isArray(found) && found.length === 1;
  }, 30_000);
  return {
    url: `redis+sentinel://127.0.0.1:${port}/main`,
    servers: [master, replica, sentinel],
    stop: async () => {
      await Promise.all([master, replica, sentinel].map((server) => server.stop()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function someKey(kid: string): NamedKey {
  return { kid, key: new Secret(randomBytes(32).toString('base64')) };
}

/** A store on a server, composed as in `app`. */
export async function redisStoreOf(
  url: string,
  keys: {
    readonly hash?: readonly [NamedKey, ...NamedKey[]];
    readonly encryption?: readonly NamedKey[];
  } = {},
  withinMs = 45_000,
) {
  const client: RedisClient = connectRedis({ url });
  // A cluster client that lost a connection while the machine was busy looks for its nodes again after 5 s.
  await waitForRedis(client, withinMs);
  const hashKeys = keys.hash ?? [someKey('h1')];
  const store = createRedisStore({
    client,
    ledger: createRedisLedger({
      ...{ client, mode: 'sandbox', scopes: null, now: Date.now },
      bounds: { mostEntries: 100_000, days: 30 },
    }),
    vault: createVault({ keys: keys.encryption ?? [someKey('e1')], mode: 'sandbox' }),
    namesOf: (id) => underEach(hashKeys, ({ key }) => keyedHash(key, 'record', [id])),
    mode: 'sandbox',
  });
  return { client, store };
}
