import type { Agent } from 'undici';
import { ProviderFault, type UpstreamResponse } from '../contract/index.ts';
import {
  MissedTurn,
  type ConnectUpstream,
  type SendUpstream,
  type UpstreamConnection,
} from '../ports/index.ts';
import { createByteBudget, readBody } from './read-body.ts';
import { createConnections, type Connection, type Sending } from './upstream-connections.ts';

const connectTimeoutMs = 1500;
/** The memory limit for all large responses together while they are read. */
const standardSharedBytes = 64 * 1024 * 1024;

export interface UpstreamClient {
  readonly connect: ConnectUpstream;
  readonly send: SendUpstream;
  readonly close: () => Promise<void>;
}

/**
 * HTTP to providers over undici: one deadline for connect, headers and body; a limit on the bytes read;
 * redirects, compressed and truncated responses are faults; no retries.
 *
 * What a failure means depends on whether a byte of the request was sent, so each call records that.
 */
export function createUpstreamClient({
  // How connections are made. Tests can pass a slow one.
  connect = { timeout: connectTimeoutMs },
  sharedBytes = standardSharedBytes,
}: Partial<Pick<Agent.Options, 'connect'>> & {
  readonly sharedBytes?: number;
} = {}): UpstreamClient {
  const connections = createConnections(connect);
  const budget = createByteBudget(sharedBytes);
  /** The connections that were opened in advance, by the handle that core holds. */
  const ahead = new WeakMap<UpstreamConnection, Connection>();

  /** The connection that was opened in advance, if it is usable. */
  function takeAhead(origin: string, given: UpstreamConnection | undefined): Connection | null {
    const made = given && ahead.get(given);
    if (!given || made?.origin !== origin || !made.isOfUse()) return null;
    ahead.delete(given);
    return made;
  }

  /** A new connection, within the deadline. One that opens later is kept for another request. */
  async function open(origin: string, deadline: Deadline): Promise<Connection> {
    const opening = connections.open(origin);
    try {
      return await deadline.race(opening);
    } catch {
      opening.then(connections.putBack, () => {});
      throw new ProviderFault('not_sent');
    }
  }

  return {
    connect: async (url, timeoutMs) => {
      const { origin } = new URL(url);
      const deadline = startDeadline(Math.max(0, timeoutMs));
      try {
        const connection = connections.takeIdle(origin) ?? (await open(origin, deadline));
        const handle: UpstreamConnection = {
          release: () => {
            if (ahead.delete(handle)) connections.putBack(connection);
          },
        };
        ahead.set(handle, connection);
        return handle;
      } finally {
        deadline.end();
      }
    },

    send: async (
      request,
      { timeoutMs, maxBytes, dropStringsOver, connection: given, isInTime },
    ) => {
      if (timeoutMs <= 0) throw new ProviderFault('not_sent');
      const deadline = startDeadline(timeoutMs);
      const progress: Sending = { sent: false, missed: false, isInTime };
      const { origin, pathname, search } = new URL(request.url);
      let connection: Connection | null = null;
      try {
        const atHand = takeAhead(origin, given) ?? connections.takeIdle(origin);
        connection = atHand ?? (await open(origin, deadline));
        if (isInTime?.() === false) {
          // If undici found this out, it would close the connection.
          connections.putBack(connection);
          connection = null;
          progress.missed = true;
          throw new MissedTurn();
        }
        const response = await connection.request(progress, {
          path: `${pathname}${search}`,
          method: request.method,
          headers: { ...request.headers, 'accept-encoding': 'identity' },
          body: request.body ?? null,
          signal: deadline.signal,
        });
        const headers = flatten(response.headers);
        const isRedirect = response.statusCode >= 300 && response.statusCode < 400;
        const isEncoded = (headers['content-encoding'] ?? 'identity') !== 'identity';
        if (isRedirect || isEncoded) {
          // An unread body would emit an error event without a listener, which would end the process.
          response.body.on('error', () => {}).destroy();
          throw new ProviderFault('protocol');
        }
        const body = await readBody(response.body, { maxBytes, dropStringsOver, budget });
        connection.used();
        if (/\bclose\b/iu.test(headers['connection'] ?? '')) connection.destroy();
        else connections.putBack(connection);
        return { status: response.statusCode, headers, body } satisfies UpstreamResponse;
      } catch (error) {
        // Data that still arrives on this connection belongs to no call.
        connection?.destroy();
        if (progress.missed) throw new MissedTurn();
        if (error instanceof ProviderFault) throw error;
        if (!progress.sent) throw new ProviderFault('not_sent');
        throw new ProviderFault(deadline.signal.aborted ? 'timeout' : 'connection_lost');
      } finally {
        deadline.end();
      }
    },
    close: connections.close,
  };
}

interface Deadline {
  readonly signal: AbortSignal;
  /** For what does not notice the signal: opening a connection. Rejects when the time is over. */
  readonly race: <T>(work: Promise<T>) => Promise<T>;
  readonly end: () => void;
}

/** Unlike `AbortSignal.timeout`, it keeps no timer that makes an error seconds after the call is over. */
function startDeadline(timeoutMs: number): Deadline {
  const controller = new AbortController();
  const over = Promise.withResolvers<never>();
  // It may end while nothing is raced.
  over.promise.catch(() => {});
  const timer = setTimeout(() => {
    const reason = new Error('deadline');
    over.reject(reason);
    controller.abort(reason);
  }, Math.ceil(timeoutMs));
  return {
    signal: controller.signal,
    race: (work) => {
      // Nothing awaits this promise after the deadline, so its later rejection is ignored.
      work.catch(() => {});
      return Promise.race([work, over.promise]);
    },
    end: () => clearTimeout(timer),
  };
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}
