import type { Socket } from 'node:net';
import { buildConnector, Client, type Agent } from 'undici';

/** One connection to a provider, for one request at a time. */
export interface Connection {
  readonly origin: string;
  readonly client: Client;
  readonly isAlive: () => boolean;
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
  const idle = new Map<string, { readonly connection: Connection; readonly sinceMs: number }[]>();
  const all = new Set<Connection>();
  let isClosed = false;

  async function open(origin: string): Promise<Connection> {
    const { protocol, hostname, host, port } = new URL(origin);
    const socket = await new Promise<Socket>((resolve, reject) => {
      makeSocket({ protocol, hostname, host, port }, (error, made) => {
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
    const client = new Client(origin, {
      connect: (_options, done) => {
        const isOfUse = !isTaken && !isDead;
        isTaken = true;
        // Later, for undici takes an answer in the same turn for one that it waits for no more (7.30).
        queueMicrotask(() => {
          if (isOfUse) done(null, socket);
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
      isAlive: () => !isDead && !socket.destroyed && socket.writable && !client.destroyed,
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
        const isFresh = performance.now() - found.sinceMs < mostIdleMs;
        if (isFresh && found.connection.isAlive()) return found.connection;
        found.connection.destroy();
      }
      return open(origin);
    },
    putBack: (connection) => {
      if (isClosed || !connection.isAlive()) return connection.destroy();
      const waiting = idle.get(connection.origin) ?? [];
      waiting.push({ connection, sinceMs: performance.now() });
      idle.set(connection.origin, waiting);
    },
    close: async () => {
      isClosed = true;
      for (const connection of all) connection.destroy();
      idle.clear();
    },
  };
}
