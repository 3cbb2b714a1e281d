import type { LookupAddress, LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import { callbackify } from 'node:util';
import { Agent, buildConnector, request } from 'undici';
import { isInNetworks, isPublicAddress, publicPorts, toNetwork } from './allowed-address.ts';
import { lookUp } from './look-up.ts';
import { signWebhook } from './sign-webhook.ts';
import type { WebhookEndpoint } from './webhook-endpoint.ts';

/** What became of one attempt. `gone`: the receiver wants no more of this delivery. */
export const webhookResults = [
  'delivered',
  'gone',
  'refused',
  'failed',
  'redirected',
  'not_allowed',
  'unreachable',
  'timeout',
] as const;

export type WebhookResult = (typeof webhookResults)[number];

export interface WebhookAttempt {
  readonly result: WebhookResult;
  readonly status: number | null;
  /** How long the receiver asks to wait; null if it does not. */
  readonly retryAfterMs: number | null;
}

export interface WebhookMessage {
  /** The same for each attempt, and for an event that is told twice. */
  readonly id: string;
  readonly body: string;
}

export interface WebhookSender {
  readonly send: (message: WebhookMessage, signal?: AbortSignal) => Promise<WebhookAttempt>;
  readonly close: () => Promise<void>;
}

const connectWithinMs = 3000;
/** Standard Webhooks: 15 to 30 s. */
const answerWithinMs = 15_000;
/** The body of a response is not used. */
const mostBytes = 4096;
const mostRetryAfterMs = 3600 * 1000;

class NotAllowed extends Error {
  override readonly name = 'NotAllowed';
}

/**
 * Sends to one endpoint. Addresses are checked where the connection is made, both those that the URL names and those that
 * its host name resolves to, so that a name which changes its address in between reaches nothing else. Redirects are not
 * followed.
 */
export function createWebhookSender(
  { now }: { readonly now: () => number },
  { url, secrets, privateNetworks }: Omit<WebhookEndpoint, 'id' | 'tenantId' | 'kinds'>,
): WebhookSender {
  const networks = privateNetworks.map(toNetwork).filter((network) => network !== null);
  // In clear, and at other ports, only to where the operator named the network.
  const { protocol, port } = new URL(url);
  const isForPublic = protocol === 'https:' && publicPorts.includes(port);
  const isAllowed = (address: string): boolean =>
    isInNetworks(address, networks) || (isForPublic && isPublicAddress(address));
  const dispatcher = createAgent(isAllowed);
  return {
    send: async ({ id, body }, signal) => {
      const deadline = AbortSignal.timeout(answerWithinMs);
      const signed = signWebhook({ id, atSeconds: Math.floor(now() / 1000), body }, secrets);
      try {
        const response = await request(url, {
          dispatcher,
          method: 'POST',
          headers: {
            ...{ 'content-type': 'application/json', 'user-agent': 'verification-subgraph' },
            ...signed,
          },
          body,
          signal: signal ? AbortSignal.any([deadline, signal]) : deadline,
        });
        const { statusCode: status, headers } = response;
        await response.body.dump({ limit: mostBytes, signal: deadline }).catch(() => {});
        const retryAfterMs = readRetryAfter(headers['retry-after'], now());
        return { result: toResult(status), status, retryAfterMs };
      } catch (error) {
        const result = toFailure(error, deadline.aborted);
        return { result, status: null, retryAfterMs: null };
      }
    },
    close: () => dispatcher.destroy(),
  };
}

function createAgent(isAllowed: (address: string) => boolean): Agent {
  const connect = buildConnector({
    timeout: connectWithinMs,
    lookup: (host, options, done) => lookupAllowed(isAllowed, host, options, done),
  });
  return new Agent({
    connect: (options, done) => {
      // A literal address is never looked up.
      const host = options.hostname.replace(/^\[(.*)\]$/u, '$1');
      if (isIP(host) !== 0 && !isAllowed(host)) done(new NotAllowed(), null);
      else connect(options, done);
    },
    connections: 8,
    maxResponseSize: 1024 * 1024,
  });
}

type LookedUp = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** Refuses a name if any of its addresses is not allowed. */
function lookupAllowed(
  isAllowed: (address: string) => boolean,
  host: string,
  options: LookupOptions,
  done: LookedUp,
): void {
  const find = async (): Promise<readonly LookupAddress[]> => {
    const addresses = await lookUp(host);
    if (!addresses.every(({ address }) => isAllowed(address))) throw new NotAllowed();
    return addresses;
  };
  const tell = (error: Error | null, addresses: readonly LookupAddress[] = []): void => {
    const [first] = addresses;
    if (error || !first) done(error ?? new NotAllowed(), '');
    else if (options.all === true) done(null, [...addresses]);
    else done(null, first.address, first.family);
  };
  // The connector waits for a callback.
  const answered = callbackify(find);
  answered(tell);
}

function toResult(status: number): WebhookResult {
  if (status >= 200 && status < 300) return 'delivered';
  if (status >= 300 && status < 400) return 'redirected';
  if (status === 410) return 'gone';
  return status < 500 && status !== 408 && status !== 429 ? 'refused' : 'failed';
}

function toFailure(error: unknown, isLate: boolean): WebhookResult {
  if (error instanceof NotAllowed) return 'not_allowed';
  return isLate ? 'timeout' : 'unreachable';
}

/** Seconds, or a date. */
function readRetryAfter(header: string | string[] | undefined, nowMs: number): number | null {
  if (typeof header !== 'string') return null;
  const ms = /^\d+$/u.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return ms > 0 ? Math.min(ms, mostRetryAfterMs) : null;
}
