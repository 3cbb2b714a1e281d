import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { StoreUnavailable } from '../../ports/index.ts';
import { createReplyWatch } from './watch-replies.ts';

export type RedisClient = Redis | Cluster;

/**
 * As measured (ioredis 6.0.0, 2026-11-22): untuned, a dead server holds a command for more than 12 s.
 * No write is ever sent twice: a lost reply would run a script again. How long a reply is waited for is
 * decided by `createReplyWatch`.
 *
 * `enableAutoPipelining` stays off: a command that is defined while a pipeline is open shifts the reply
 * of every later command of that pipeline by one (ioredis 6.0.0, seen 2026-11-25).
 */
const options = {
  connectTimeout: 1000,
  // The last resort for one connection of a cluster, behind `createReplyWatch`.
  socketTimeout: 10_000,
  maxRetriesPerRequest: 1,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  // A master that became a replica: find the new one, and let the caller decide about the command.
  reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
  retryStrategy,
} as const satisfies RedisOptions;

/** Milliseconds; never long, and never all at once. */
function retryStrategy(times: number): number {
  return Math.min(2000, 50 * 2 ** Math.min(times, 6)) * (0.5 + Math.random() / 2);
}

/**
 * For the commands of BullMQ, some of which wait in Redis for up to 10 s. They are sent once there is
 * a connection, and again after one broke, as it expects: without either, a command that a connection
 * took with it would be waited for for ever (ioredis 6.0.0, seen 2026-11-22).
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
 * `redis+sentinel://h:p,…/master`. Connects at once and for ever; throws for another URL.
 */
export function connectRedis(url: string, use: 'commands' | 'blocking' = 'commands'): RedisClient {
  const client = createClient(url, use === 'commands' ? options : blockingOptions);
  if (use === 'commands') watchReplies(client);
  // A cluster client connects to a node at the first command, and refuses the others until that is done.
  client.on('+node', (node: Redis) => void node.connect().catch(() => {}));
  // Without a listener an error would end the process; commands tell their own story.
  client.on('error', () => {});
  return client;
}

/** From now on every command of the client is given up when the server goes silent. */
function watchReplies(client: RedisClient): void {
  const isOneConnection = client instanceof Redis;
  const replies = createReplyWatch({
    replaceConnection: isOneConnection ? () => client.disconnect(true) : null,
  });
  if (isOneConnection) client.on('close', replies.connectionClosed);
  // The one way that every command takes, those of BullMQ included.
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
    const { retryStrategy: clusterRetryStrategy, enableOfflineQueue, ...redisOptions } = common;
    return new Cluster(nodes, {
      redisOptions,
      clusterRetryStrategy,
      enableOfflineQueue,
      slotsRefreshTimeout: 1000,
      // Else the cluster client repeats a command whose reply was lost (measured: INCR ran twice).
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

/** Whether a URL can be one of a Redis at all; nothing is connected. */
export function isRedisUrl(url: string): boolean {
  if (/^rediss?:\/\//u.test(url)) return URL.canParse(url) && new URL(url).hostname !== '';
  const parsed = /^rediss?\+(cluster|sentinel):\/\/(?:[^@/]*@)?([^/]+)(\/[^/]+)?$/u.exec(url);
  const [, kind, hosts = '', master] = parsed ?? [];
  if (!kind || (kind === 'sentinel') !== (master !== undefined)) return false;
  return hosts.split(',').every((host) => {
    const node = URL.canParse(`redis://${host}`) ? new URL(`redis://${host}`) : null;
    return Boolean(node?.hostname && node.port);
  });
}

const lookEveryMs = 20;

/** Resolves when the client is ready, every master of a cluster included, or after so long all the same. */
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
 * Runs commands; every failure becomes `StoreUnavailable`. The client's own errors carry commands
 * with their arguments and go no further.
 */
export async function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    throw new StoreUnavailable();
  }
}
