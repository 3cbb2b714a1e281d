import type { Socket } from 'node:net';
import { buildConnector, Client, type Agent, type Dispatcher } from 'undici';
import { MissedTurn } from '../ports/index.ts';

/** What is known of one request. */
export interface Sending {
  /** Whether a byte of it may have been written. */
  sent: boolean;
  /** Whether it was not written, because its slot was over. */
  missed: boolean;
  readonly isInTime: (() => boolean) | undefined;
}

/** One connection to a provider, for one request at a time. */
export interface Connection {
  readonly origin: string;
  readonly request: (
    sending: Sending,
    options: Dispatcher.RequestOptions,
  ) => Promise<Dispatcher.ResponseData>;
  /** Whether a request may be sent over it: it is open, and was opened or used recently. */
  readonly isOfUse: () => boolean;
  /** Call after a complete response was received. */
  readonly used: () => void;
  readonly destroy: () => void;
}

export interface Connections {
  readonly takeIdle: (origin: string) => Connection | null;
  /** Rejects if none could be opened. */
  readonly open: (origin: string) => Promise<Connection>;
  /** Keeps the connection for the next request, if it is open. */
  readonly putBack: (connection: Connection) => void;
  readonly close: () => Promise<void>;
}

/** A provider may close an idle connection silently. A connection that was idle for longer is not used. */
const mostIdleMs = 4000;

/**
 * Connections that are opened in advance. undici's own pools connect when a request is dispatched, which
 * would be after its slot was reserved.
 */
export function createConnections(connect: NonNullable<Agent.Options['connect']>): Connections {
  const makeSocket = typeof connect === 'function' ? connect : buildConnector(connect);
  const idle = new Map<string, Connection[]>();
  const all = new Set<Connection>();
  let isClosed = false;

  async function open(origin: string): Promise<Connection> {
    const { protocol, hostname, host, port } = new URL(origin);
    // The connector needs an IPv6 address without brackets.
    const bare = hostname.replace(/^\[(.*)\]$/u, '$1');
    const socket = await new Promise<Socket>((resolve, reject) => {
      makeSocket({ protocol, hostname: bare, host, port }, (error, made) => {
        if (error) reject(error);
        else resolve(made);
      });
    });
    let isDead = false;
    // Until undici takes over the socket, nothing else listens for errors.
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
        // Delayed, because undici treats a synchronous callback as one that it no longer waits for (7.30).
        queueMicrotask(() => {
          if (isFirst) done(null, socket);
          else done(new Error('the connection is closed'), null);
        });
      },
      pipelining: 1,
      // The abort signal of each call is the only time limit.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 16 * 1024,
      keepAliveTimeout: mostIdleMs,
    });
    let sending: Sending = { sent: false, missed: false, isInTime: undefined };
    const dispatcher = client.compose(noteSending(() => sending));
    const connection: Connection = {
      origin,
      request: (given, options) => {
        sending = given;
        return dispatcher.request(options);
      },
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
    takeIdle: (origin) => {
      const waiting = idle.get(origin) ?? [];
      for (let found = waiting.pop(); found; found = waiting.pop()) {
        if (found.isOfUse()) return found;
        found.destroy();
      }
      return null;
    },
    open,
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

/**
 * Sets `sent` when a request is about to be written to the open connection. If its slot is over by then, it is
 * not written: `missed`.
 */
function noteSending(sendingNow: () => Sending): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart: (controller, context) => {
        const sending = sendingNow();
        if (sending.isInTime?.() === false) {
          sending.missed = true;
          controller.abort(new MissedTurn());
          return;
        }
        sending.sent = true;
        handler.onRequestStart?.(controller, context);
      },
      onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    });
}
