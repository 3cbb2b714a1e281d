import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { StoreUnavailable } from '../../ports/index.ts';
import { batchWrites } from './batch-writes.ts';
import { createReplyWatch } from './watch-replies.ts';

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

/**
 * For the commands of BullMQ, some of which wait in Redis for up to 10 s. As BullMQ expects, they are
 * queued until there is a connection and sent again after it broke. Without both, a command that was lost
 * with its connection would never settle (ioredis 6.0.0, seen 2026-11-22).
 */
const blockingOptions = {
  connectTimeout: options.connectTimeout,
  socketTimeout: 30_000,
  maxRetriesPerRequest: null,
  enableOfflineQueue: true,
  autoResendUnfulfilledCommands: true,
  reconnectOnError: options.reconnectOnError,
  retryStrategy,
} as const satisfies RedisOptions;

/**
 * A client for `redis://`, `rediss://`, `redis+cluster://h1:p,h2:p` (`rediss+cluster:` with TLS) or
 * `redis+sentinel://h:p,…/master`. Connects at once and retries without end. Throws for any other URL.
 */
export function connectRedis(url: string, use: 'commands' | 'blocking' = 'commands'): RedisClient {
  const client = createClient(url, use === 'commands' ? options : blockingOptions);
  if (use === 'commands') watchReplies(client);
  // A cluster client connects to a node at its first command, and refuses other commands until then.
  client.on('+node', (node: Redis) => {
    batchWrites(node);
    void node.connect().catch(() => {});
  });
  if (client instanceof Redis) batchWrites(client);
  // Without a listener an error event would end the process. The failed commands report the error.
  client.on('error', () => {});
  return client;
}

/** From now on, every command of the client is rejected if the server goes silent. */
function watchReplies(client: RedisClient): void {
  const isOneConnection = client instanceof Redis;
  const replies = createReplyWatch({
    replaceConnection: isOneConnection ? () => client.disconnect(true) : null,
  });
  if (isOneConnection) client.on('close', replies.connectionClosed);
  // Every command passes here, including those of BullMQ.
  const sendCommand: Redis['sendCommand'] = client.sendCommand.bind(client);
  client.sendCommand = (...given: Parameters<Redis['sendCommand']>) => {
    replies.watch(given[0]);
    return sendCommand(...given);
  };
}

function createClient(url: string, given: typeof options | typeof blockingOptions): RedisClient {
  if (/^rediss?:\/\//u.test(url)) return new Redis(url, given);
  const parsed = /^redis(s?)\+(cluster|sentinel):\/\/(?:([^@/]*)@)?([^/]+)(?:\/([^/]+))?$/u.exec(
    url,
  );
  const [, tls, kind, login = '', hosts = '', master] = parsed ?? [];
  const [username = '', password] = login.split(':').map(decodeURIComponent);
  const common = {
    ...given,
    ...(username === '' ? {} : { username }),
    ...(password ? { password } : {}),
    ...(tls ? { tls: {} } : {}),
  };
  const nodes = hosts.split(',').map(readNode);
  if (kind === 'cluster' && master === undefined) {
    const { retryStrategy: clusterRetryStrategy, enableOfflineQueue, ...ofNodes } = common;
    // A last resort for one connection of a cluster, if `createReplyWatch` does not end it.
    const redisOptions = { socketTimeout: 10_000, ...ofNodes };
    return new Cluster(nodes, {
      redisOptions,
      clusterRetryStrategy,
      enableOfflineQueue,
      slotsRefreshTimeout: 1000,
      // Otherwise the cluster client repeats a command whose reply was lost (measured: INCR ran twice).
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      maxRedirections: 3,
    });
  }
  if (kind === 'sentinel' && master !== undefined) {
    return new Redis({
      ...common,
      sentinels: nodes,
      name: master,
      sentinelRetryStrategy: retryStrategy,
      sentinelCommandTimeout: 1000,
    });
  }
  throw new Error('not a Redis URL');
}

function readNode(text: string): { host: string; port: number } {
  const url = URL.canParse(`redis://${text}`) ? new URL(`redis://${text}`) : null;
  if (!url?.hostname || !url.port) throw new Error('not a Redis URL');
  return { host: url.hostname, port: Number(url.port) };
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
