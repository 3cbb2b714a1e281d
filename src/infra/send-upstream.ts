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

export const connectTimeoutMs = 1500;
/** How long a connection may take in all: through a proxy it takes two connects, CONNECT and two handshakes. */
const openWithinMs = 3000;
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

  /** A new connection. One that opens too late is kept for another request. */
  async function open(origin: string, timeoutMs: number): Promise<Connection> {
    const opening = connections.open(origin);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, Math.max(0, Math.min(timeoutMs, openWithinMs)), null);
    });
    const connection = await Promise.race([opening, late]).catch(() => null);
    clearTimeout(timer);
    if (connection) return connection;
    opening.then(connections.putBack, () => {});
    throw new ProviderFault('not_sent');
  }

  return {
    connect: async (url, timeoutMs) => {
      const { origin } = new URL(url);
      const connection = connections.takeIdle(origin) ?? (await open(origin, timeoutMs));
      const handle: UpstreamConnection = {
        release: () => {
          if (ahead.delete(handle)) connections.putBack(connection);
        },
      };
      ahead.set(handle, connection);
      return handle;
    },

    send: async (
      request,
      { timeoutMs, maxBytes, dropStringsOver, connection: given, isInTime },
    ) => {
      if (timeoutMs <= 0) throw new ProviderFault('not_sent');
      // Unlike `AbortSignal.timeout`, it leaves no timer behind that makes an error after the call is over.
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(new Error('deadline')), Math.ceil(timeoutMs));
      const progress: Sending = { sent: false, missed: false, isInTime };
      const { origin, pathname, search } = new URL(request.url);
      let connection: Connection | null = null;
      try {
        const atHand = takeAhead(origin, given) ?? connections.takeIdle(origin);
        connection = atHand ?? (await open(origin, timeoutMs));
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
        clearTimeout(timer);
      }
    },
    close: connections.close,
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
