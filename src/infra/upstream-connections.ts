import type { Socket } from 'node:net';
import { buildConnector, Client, type Agent } from 'undici';

/** One connection to a provider, for one request at a time. */
export interface Connection {
  readonly origin: string;
  readonly client: Client;
  /** Whether a request may be sent over it: it stands, and was used or made a short while ago. */
  readonly isOfUse: () => boolean;
  /** It has brought a whole answer. */
  readonly used: () => void;
  readonly destroy: () => void;
}

export interface Connections {
  /** An idle connection that stands, or a new one. Rejects when none could be made. */
  readonly take: (origin: string) => Promise<Connection>;
  /** Keeps it for the next request, if it stands. */
  readonly putBack: (connection: Connection) => void;
  readonly close: () => Promise<void>;
}

/** A provider may close an idle connection without a word: none is used that was idle for longer. */
const mostIdleMs = 4000;

/**
 * Connections that are made before they are needed: undici's own pools connect when a request is given to
 * them, which would be after its moment of sending is reserved.
 */
export function createConnections(connect: NonNullable<Agent.Options['connect']>): Connections {
  const makeSocket = typeof connect === 'function' ? connect : buildConnector(connect);
  const idle = new Map<string, Connection[]>();
  const all = new Set<Connection>();
  let isClosed = false;

  async function open(origin: string): Promise<Connection> {
    const { protocol, hostname, host, port } = new URL(origin);
    // An IPv6 literal, as the connector wants it.
    const bare = hostname.replace(/^\[(.*)\]$/u, '$1');
    const socket = await new Promise<Socket>((resolve, reject) => {
      makeSocket({ protocol, hostname: bare, host, port }, (error, made) => {
        if (error) reject(error);
        else resolve(made);
      });
    });
    let isDead = false;
    // Until undici has it nobody else would listen.
    socket.on('error', () => {});
    socket.once('close', () => {
      isDead = true;
      all.delete(connection);
    });
    let isTaken = false;
    let usedMs = performance.now();
    const client = new Client(origin, {
      connect: (_options, done) => {
        const isFirst = !isTaken && !isDead;
        isTaken = true;
        // Later, for undici takes an answer in the same turn for one that it waits for no more (7.30).
        queueMicrotask(() => {
          if (isFirst) done(null, socket);
          else done(new Error('the connection is closed'), null);
        });
      },
      pipelining: 1,
      // The signal of each call is the only clock.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 16 * 1024,
      keepAliveTimeout: mostIdleMs,
    });
    const connection: Connection = {
      ...{ origin, client },
      isOfUse: () =>
        !isDead &&
        !socket.destroyed &&
        socket.writable &&
        !client.destroyed &&
        performance.now() - usedMs < mostIdleMs,
      used: () => {
        usedMs = performance.now();
      },
      destroy: () => {
        all.delete(connection);
        void client.destroy().catch(() => {});
        socket.destroy();
      },
    };
    all.add(connection);
    if (isClosed) connection.destroy();
    return connection;
  }

  return {
    take: async (origin) => {
      const waiting = idle.get(origin) ?? [];
      for (let found = waiting.pop(); found; found = waiting.pop()) {
        if (found.isOfUse()) return found;
        found.destroy();
      }
      return open(origin);
    },
    putBack: (connection) => {
      if (isClosed || !connection.isOfUse()) return connection.destroy();
      const waiting = idle.get(connection.origin) ?? [];
      waiting.push(connection);
      idle.set(connection.origin, waiting);
    },
    close: async () => {
      isClosed = true;
      for (const connection of all) connection.destroy();
      idle.clear();
    },
  };
}
