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
  /** Tells the router that it is over, as far as that is possible in time. */
  readonly complete: () => Promise<void>;
  /** Ends it without a message, because another one has taken its place. */
  readonly replace: () => void;
}

/** The router waits for one interval. Half of it leaves room for a busy moment on either side. */
const leastBeatMs = 1000;
const mostBeatMs = 15_000;
const mostMissedBeats = 3;
/** Delays before a message is sent again that got no answer. */
const againAfterMs = [500, 1000, 2000, 4000];

/**
 * Sends values to a callback URL until the source ends, the time is over, or the router no longer answers. A `check` at half
 * of the router's interval keeps the subscription alive there.
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
  let isOver = false;
  let missedBeats = 0;
  let beat: NodeJS.Timeout | undefined;

  const post = (action: 'check' | 'next' | 'complete', more: object = {}): Promise<number> =>
    send(url, { kind: 'subscription', action, id, verifier, ...more });

  const end = (how: SubscriptionEnd): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(beat);
    clearTimeout(expiry);
    void payloads.return?.();
    onEnd(how);
  };

  /** False if the router wants no more messages, or could not be reached. */
  const deliver = async (action: 'next' | 'complete', more: object): Promise<boolean> => {
    for (const waitMs of [...againAfterMs, null]) {
      const status = await post(action, more).catch(() => null);
      if (status !== null && status < 300) return true;
      if (isRefusal(status) || waitMs === null) return false;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    return false;
  };

  const keepAlive = async (): Promise<void> => {
    const status = await post('check').catch(() => null);
    if (isOver) return;
    if (isRefusal(status)) return end('left');
    missedBeats = status !== null && status < 300 ? 0 : missedBeats + 1;
    if (missedBeats >= mostMissedBeats) return end('lost');
    // Planned after the answer, so that one is on its way at a time.
    beat = setTimeout(() => void keepAlive(), beatMs);
  };

  const pump = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await payloads.next();
      if (isOver) return;
      if (done === true) {
        end('told');
        await deliver('complete', {});
        return;
      }
      const isTaken = await deliver('next', { payload: value });
      if (!isTaken) return end('lost');
    }
  };

  const expiry = setTimeout(() => {
    end('expired');
    void deliver('complete', { errors: [expired] });
  }, lastsMs);
  beat = setTimeout(() => void keepAlive(), beatMs);
  void pump();
  return {
    complete: async () => {
      if (isOver) return;
      end('drained');
      await post('complete').catch(() => null);
    },
    replace: () => end('replaced'),
  };
}

/** 4xx, which says that the subscription is not known there any more. */
function isRefusal(status: number | null): boolean {
  return status !== null && status >= 400 && status < 500;
}
