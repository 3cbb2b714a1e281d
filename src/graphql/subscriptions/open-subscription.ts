import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import type { GraphQLFormattedError } from 'graphql';
import type { SendCallback, SubscriptionEnd } from '../../ports/index.ts';
import type { Callback } from './read-callback.ts';

/** What is sent for one value of the source. */
export interface Payload {
  readonly data?: unknown;
  readonly errors?: readonly GraphQLFormattedError[];
}

interface Deps {
  readonly send: SendCallback;
  readonly callback: Callback;
  /** One payload per value. `return` ends it while it waits. */
  readonly payloads: AsyncIterator<Payload>;
  /** For how long it may last. */
  readonly lastsMs: number;
  /** The error that is sent when that time is over. */
  readonly expired: GraphQLFormattedError;
  /** Called once. */
  readonly onEnd: (how: SubscriptionEnd) => void;
}

export interface OpenSubscription {
  /** Tells the router that it is over. Resolves when its last message was answered, or was given up. */
  readonly complete: () => Promise<void>;
  /** Ends it without a message, because another one has taken its place. */
  readonly replace: () => void;
  /** Resolves when its last message was answered, or was given up. */
  readonly settled: Promise<void>;
}

/** The router waits for one interval. Half of it leaves room for a busy moment on either side. */
const leastBeatMs = 1000;
const mostBeatMs = 15_000;
const mostMissedBeats = 3;
/** Delays before a message is sent again that got no answer. */
const againAfterMs = [500, 1000, 2000, 4000];
/** The router does not know the subscription any more. Others, such as 429, may come from a proxy before it. */
const refusals = [400, 401, 403, 404, 410];

/**
 * Sends values to a callback URL until the source ends, the time is over, or the router no longer answers. A `check` at half
 * of the router's interval keeps the subscription alive there. After its end no value is sent any more.
 */
export function openSubscription({
  send,
  callback,
  payloads,
  lastsMs,
  expired,
  onEnd,
}: Deps): OpenSubscription {
  const { url, subscriptionId: id, verifier, heartbeatIntervalMs } = callback;
  // With 0 the router needs no beat, but it says by its answer whether its client has left.
  const wantedMs = heartbeatIntervalMs === 0 ? mostBeatMs : heartbeatIntervalMs / 2;
  const beatMs = Math.min(Math.max(wantedMs, leastBeatMs), mostBeatMs);
  const over = new AbortController();
  const isOver = (): boolean => over.signal.aborted;
  let isDelivering = false;
  let missedBeats = 0;
  let beat: NodeJS.Timeout | undefined;
  let lastMessage = Promise.resolve();

  const post = (action: 'check' | 'next' | 'complete', more: object = {}): Promise<number | null> =>
    send(
      url,
      { kind: 'subscription', action, id, verifier, ...more },
      { isBeat: action === 'check' },
    ).catch(() => null);

  const end = (how: SubscriptionEnd): void => {
    if (isOver()) return;
    over.abort();
    clearTimeout(beat);
    clearTimeout(expiry);
    void payloads.return?.();
    onEnd(how);
  };

  const complete = async (more: object = {}): Promise<void> => {
    for (const waitMs of [0, ...againAfterMs]) {
      await sleep(waitMs);
      const status = await post('complete', more);
      if (isTaken(status) || isRefusal(status)) return;
    }
  };

  /** Whether the router has taken it. It is not sent again once the subscription is over. */
  const deliver = async (payload: Payload): Promise<boolean> => {
    for (const waitMs of [0, ...againAfterMs]) {
      await sleep(waitMs, over.signal);
      if (isOver()) return false;
      const status = await post('next', { payload });
      if (isTaken(status)) return true;
      if (isRefusal(status)) return false;
    }
    return false;
  };

  const keepAlive = async (): Promise<void> => {
    const status = await post('check');
    if (isOver()) return;
    if (isRefusal(status)) return end('left');
    missedBeats = isTaken(status) ? 0 : missedBeats + 1;
    // A value that is on its way decides by itself whether the router is there.
    if (missedBeats >= mostMissedBeats && !isDelivering) return end('lost');
    // Planned after the answer, so that one is on its way at a time.
    beat = setTimeout(() => void keepAlive(), beatMs);
  };

  const pump = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await payloads.next();
      if (isOver()) return;
      if (done === true) {
        end('told');
        return complete();
      }
      isDelivering = true;
      const isDelivered = await deliver(value);
      isDelivering = false;
      if (isOver()) return;
      if (!isDelivered) return end('lost');
    }
  };

  /** After a value that is on its way, so that the router gets both in their order. */
  const finish = (how: SubscriptionEnd, more: object = {}): void => {
    if (isOver()) return;
    end(how);
    lastMessage = pumping.then(() => complete(more));
  };

  const expiry = setTimeout(() => finish('expired', { errors: [expired] }), lastsMs);
  beat = setTimeout(() => void keepAlive(), beatMs);
  const pumping = pump().catch(() => end('lost'));
  const settled = new Promise<void>((resolve) => {
    over.signal.addEventListener('abort', () => {
      // `finish` has set the last message by then.
      queueMicrotask(() => void pumping.then(() => lastMessage).then(resolve));
    });
  });
  return {
    settled,
    complete: async () => {
      finish('drained');
      await settled;
    },
    replace: () => end('replaced'),
  };
}

function isTaken(status: number | null): boolean {
  return status !== null && status < 300;
}

function isRefusal(status: number | null): boolean {
  return status !== null && refusals.includes(status);
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (ms === 0) return;
  await setTimeoutPromise(ms, undefined, signal ? { signal } : {}).catch(() => {});
}
