import type { Agent, Dispatcher } from 'undici';
import { ProviderFault, type UpstreamResponse } from '../contract/index.ts';
import {
  MissedTurn,
  type ConnectUpstream,
  type SendUpstream,
  type UpstreamConnection,
} from '../ports/index.ts';
import { createByteBudget, readBody } from './read-body.ts';
import { createConnections, type Connection } from './upstream-connections.ts';

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

  /** The connection that was opened in advance if it is usable, otherwise another one. */
  async function connectionFor(
    origin: string,
    given: UpstreamConnection | undefined,
  ): Promise<Connection> {
    const made = given && ahead.get(given);
    if (!given || made?.origin !== origin || !made.isOfUse()) return connections.take(origin);
    ahead.delete(given);
    return made;
  }

  return {
    connect: async (url, timeoutMs) => {
      const { origin } = new URL(url);
      const deadline = AbortSignal.timeout(Math.max(0, Math.ceil(timeoutMs)));
      const taking = connections.take(origin);
      try {
        const connection = await orAborted(taking, deadline);
        const handle: UpstreamConnection = {
          release: () => {
            if (ahead.delete(handle)) connections.putBack(connection);
          },
        };
        ahead.set(handle, connection);
        return handle;
      } catch {
        taking.then(connections.putBack, () => {});
        throw new ProviderFault('not_sent');
      }
    },

    send: async (
      request,
      { timeoutMs, maxBytes, dropStringsOver, connection: given, isInTime },
    ) => {
      if (timeoutMs <= 0) throw new ProviderFault('not_sent');
      const deadline = AbortSignal.timeout(Math.ceil(timeoutMs));
      const progress = { sent: false, missed: false };
      const taking = connectionFor(new URL(request.url).origin, given);
      let connection: Connection | null = null;
      try {
        connection = await orAborted(taking, deadline);
        const answered = connection.client.compose(noteSending(progress, isInTime)).request({
          path: pathOf(request.url),
          method: request.method,
          headers: { ...request.headers, 'accept-encoding': 'identity' },
          body: request.body ?? null,
          signal: deadline,
        });
        const response = await orAborted(answered, deadline);
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
        if (connection) connection.destroy();
        else taking.then(connections.putBack, () => {});
        if (progress.missed) throw new MissedTurn();
        if (error instanceof ProviderFault) throw error;
        if (!progress.sent) throw new ProviderFault('not_sent');
        throw new ProviderFault(deadline.aborted ? 'timeout' : 'connection_lost');
      }
    },
    close: connections.close,
  };
}

/**
 * undici notices the abort signal only after a connection is open (measured: 2 s late), so the deadline is
 * raced as well. A request that is abandoned while connecting is not sent afterwards.
 */
async function orAborted<T>(answered: Promise<T>, deadline: AbortSignal): Promise<T> {
  // Nothing awaits this promise after the deadline, so its later rejection is ignored.
  answered.catch(() => {});
  let giveUp = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    giveUp = () => reject(new Error('deadline'));
    deadline.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([answered, aborted]);
  } finally {
    deadline.removeEventListener('abort', giveUp);
  }
}

/**
 * Sets `sent` when the request is about to be written to an open connection. If its slot is over by then,
 * it is not written: `missed`.
 */
function noteSending(
  progress: { sent: boolean; missed: boolean },
  isInTime: (() => boolean) | undefined,
): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart: (controller, context) => {
        if (isInTime?.() === false) {
          progress.missed = true;
          controller.abort(new MissedTurn());
          return;
        }
        progress.sent = true;
        handler.onRequestStart?.(controller, context);
      },
      onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    });
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}
