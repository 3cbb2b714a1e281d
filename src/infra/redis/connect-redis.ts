import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { StoreUnavailable, type OperationScopes } from '../../ports/index.ts';
import { batchWrites } from './batch-writes.ts';
import { guardStreams, type StreamWatch } from './guard-streams.ts';
import { parseRedisUrl } from './parse-redis-url.ts';
import { toRedisFault } from './redis-fault.ts';
import { createReplyWatch, type ReplyOutcome } from './watch-replies.ts';
import type { RedisState } from './watch-redis-state.ts';

export type RedisClient = Redis | Cluster;

/**
 * Without these options a dead server holds a command for more than 12 s (measured: ioredis 6.0.0,
 * 2026-11-22). No write is ever sent twice, because after a lost reply a script would run again.
 * `createReplyWatch` decides how long to wait for a reply.
 *
 * `enableAutoPipelining` stays off: a command that is defined while a pipeline is open shifts the reply of
 * every later command of that pipeline by one (ioredis 6.0.0, seen 2026-11-25).
 */
const options = {
  connectTimeout: 1000,
  maxRetriesPerRequest: 1,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  // The master has become a replica: reconnect to find the new one. The caller decides whether to repeat
  // the command.
  reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
  retryStrategy,
} as const satisfies RedisOptions;

/** In milliseconds. Short, and random so that replicas do not reconnect at once. */
function retryStrategy(times: number): number {
  return Math.min(2000, 50 * 2 ** Math.min(times, 6)) * (0.5 + Math.random() / 2);
}

export interface RedisConnection {
  readonly url: string;
  /** PEM texts. Without `ca`, Node's certificates decide. */
  readonly tls?: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
    /** The name in the server's certificate, if it differs from the host. */
    readonly serverName?: string | undefined;
  };
  /** The login of the sentinels. The URL has the login of the servers. */
  readonly sentinelLogin?: {
    readonly username?: string | undefined;
    readonly password?: string | undefined;
  };
}

/**
 * A client for a URL that `parseRedisUrl` accepts. Connects at once and retries without end. Throws for any other
 * URL. With TLS in the URL, no byte is ever sent without TLS, not to sentinels either.
 *
 * `state` learns from each command and each connection whether the server can be used. `scopes` knows the operation whose
 * waits are measured.
 */
export function connectRedis(
  connection: RedisConnection,
  state: RedisState | null = null,
  scopes: Pick<OperationScopes, 'current'> | null = null,
): RedisClient {
  const client = createClient(connection);
  // A Redis without TLS takes a handshake for the beginning of a command and waits for the rest.
  let isInHandshake = false;
  const tell = (error: unknown): void => {
    const fault = toRedisFault(error);
    if (fault !== null) state?.failed(fault === 'timeout' && isInHandshake ? 'tls' : fault);
  };
  const watch: StreamWatch = {
    failed: tell,
    handshake: (at) => {
      isInHandshake = at === 'begun';
    },
  };
  watchReplies(client, { failed: tell, works: () => state?.works() }, scopes);
  // A cluster client connects to a node at its first command, and refuses other commands until then.
  client.on('+node', (node: Redis) => {
    guardStreams(node, watch);
    batchWrites(node);
    void node.connect().catch(() => {});
  });
  if (client instanceof Redis) {
    guardStreams(client, watch);
    batchWrites(client);
    void client.connect().catch(() => {});
  }
  // Without a listener an error event would end the process. The failed commands report the error.
  client.on('error', (error: unknown) => {
    tell(error);
    // Otherwise the commands would run in database 0, which may belong to another environment.
    if (toRedisFault(error) === 'database') client.disconnect();
  });
  client.on('node error', tell);
  return client;
}

/**
 * A client for queues, which block: a command waits for Redis without end, and for as long as it says. Throws for a URL that
 * `parseRedisUrl` does not accept.
 */
export function connectQueueRedis(connection: RedisConnection): RedisClient {
  const client = createClient(connection, {
    ...{ maxRetriesPerRequest: null, enableOfflineQueue: true },
    // Longer than a command blocks. A connection that says nothing for so long is replaced.
    socketTimeout: 20_000,
  });
  // The failed commands report the error.
  client.on('error', () => {});
  if (client instanceof Redis) {
    guardStreams(client, { failed: () => {}, handshake: () => {} });
    // Copies of it, which block, connect by themselves and again. A first connection that failed would be the last one.
    client.options.lazyConnect = false;
    void client.connect().catch(() => {});
  }
  return client;
}

/** From now on, every command of the client is rejected if the server goes silent. */
function watchReplies(
  client: RedisClient,
  outcome: ReplyOutcome,
  scopes: Pick<OperationScopes, 'current'> | null,
): void {
  const isOneConnection = client instanceof Redis;
  const replies = createReplyWatch({
    replaceConnection: isOneConnection ? () => client.disconnect(true) : null,
    outcome,
    waitOfNow: () => scopes?.current()?.waits.store,
  });
  if (isOneConnection) client.on('close', replies.connectionClosed);
  const sendCommand: Redis['sendCommand'] = client.sendCommand.bind(client);
  client.sendCommand = (...given: Parameters<Redis['sendCommand']>) => {
    replies.watch(given[0]);
    return sendCommand(...given);
  };
}

function createClient(
  { url, tls: given = {}, sentinelLogin = {} }: RedisConnection,
  changes: Pick<RedisOptions, 'maxRetriesPerRequest' | 'enableOfflineQueue' | 'socketTimeout'> = {},
): RedisClient {
  const parsed = parseRedisUrl(url);
  if ('mistake' in parsed) throw new Error('not a Redis URL');
  const { kind, isTls, nodes, username, password, database, master } = parsed.target;
  const { ca, cert, key, serverName } = given;
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
  const common = {
    ...{ ...options, ...changes },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(isTls ? { tls } : {}),
  };
  switch (kind) {
    case 'single':
      return new Redis({ ...common, ...nodes[0], db: database, lazyConnect: true });
    case 'sentinel':
      return new Redis({
        ...common,
        sentinels: [...nodes],
        name: master ?? '',
        db: database,
        lazyConnect: true,
        sentinelRetryStrategy: retryStrategy,
        sentinelCommandTimeout: 1000,
        ...(sentinelLogin.username === undefined
          ? {}
          : { sentinelUsername: sentinelLogin.username }),
        ...(sentinelLogin.password === undefined
          ? {}
          : { sentinelPassword: sentinelLogin.password }),
        // Without these two, ioredis speaks to sentinels and their masters in clear text.
        ...(isTls ? { enableTLSForSentinelMode: true, sentinelTLS: tls } : {}),
      });
    case 'cluster': {
      const { retryStrategy: clusterRetryStrategy, enableOfflineQueue, ...ofNodes } = common;
      // A last resort for one connection of a cluster, if `createReplyWatch` does not end it.
      const redisOptions = { socketTimeout: 10_000, ...ofNodes };
      return new Cluster([...nodes], {
        redisOptions,
        clusterRetryStrategy,
        enableOfflineQueue,
        slotsRefreshTimeout: 1000,
        // Otherwise the cluster client repeats a command whose reply was lost (measured: INCR ran twice).
        retryDelayOnFailover: 0,
        retryDelayOnClusterDown: 0,
        maxRedirections: 3,
        // Names stay names: a certificate names the host, not its address.
        dnsLookup: (address, done) => done(null, address),
      });
    }
  }
}

const lookEveryMs = 20;

/** Resolves when the client is ready, including every master of a cluster, or after `mostMs`. */
export async function waitForRedis(client: RedisClient, mostMs: number): Promise<void> {
  const isReady = (): boolean =>
    client.status === 'ready' &&
    (client instanceof Redis || client.nodes('master').every(({ status }) => status === 'ready'));
  const endMs = performance.now() + mostMs;
  while (!isReady() && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

/**
 * Runs commands. Every failure becomes `StoreUnavailable`. The client's own errors contain commands with
 * their arguments, so they are not passed on.
 */
export function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  return work().catch((error: unknown) => {
    throw error instanceof StoreUnavailable ? error : new StoreUnavailable();
  });
}
