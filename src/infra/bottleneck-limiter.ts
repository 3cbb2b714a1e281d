import Bottleneck from 'bottleneck';
import {
  LimiterRefusal,
  type Limiter,
  type LimiterAsk,
  type LimiterPriority,
} from '../contract/index.ts';

/** When the next call may be sent. Shared by everybody who shares the quota. */
export interface Pacer {
  /**
   * The granted moment, by `now`; null when there is none before `latestMs`. Throws
   * `StoreUnavailable` when nobody can say what the others send.
   */
  readonly reserve: (
    ask: Pick<LimiterAsk, 'key' | 'perSecond' | 'priority'>,
    latestMs: number,
  ) => Promise<number | null>;
  /** Before the first use: what the others send is found out before anybody has to wait for it. */
  readonly warm: (key: string, perSecond: number) => Promise<void>;
  /** Grants nothing for so long. */
  readonly backOff: (key: string, forMs: number) => Promise<void>;
}

interface Deps {
  readonly pacer: Pacer;
  readonly now: () => number;
  /** How much later than its slot a call may be sent; later, it asks for another. */
  readonly guardMs: number;
}

// Bottleneck: 0 is the most urgent.
const priorities = {
  start: 2,
  result: 5,
  reconcile: 8,
} as const satisfies Record<LimiterPriority, number>;

/** How much may wait, in seconds of the limit: nobody waits longer than an operation lasts. */
const queueSeconds = 3;

/**
 * A local Bottleneck queue per limited action, with priority and shedding, in front of a pacer.
 *
 * A job holds its place only until its moment of sending, so `maxConcurrent` is how far the queue
 * looks ahead; without it Bottleneck would ignore priority and highWater (facts: 2.19.5).
 */
export function createBottleneckLimiter({ pacer, now, guardMs }: Deps): Limiter {
  const queues = new Map<string, Bottleneck>();

  function queueOf(key: string, perSecond: number): Bottleneck {
    const known = queues.get(key);
    if (known) return known;
    const queue = new Bottleneck({
      maxConcurrent: Math.max(1, Math.ceil(perSecond / 10)),
      highWater: Math.max(1, Math.ceil(perSecond * queueSeconds)),
      strategy: Bottleneck.strategy.OVERFLOW,
    });
    queues.set(key, queue);
    return queue;
  }

  async function waitForSlot(
    ask: LimiterAsk,
    latestMs: number,
    prepare: (() => Promise<void>) | undefined,
  ): Promise<void> {
    for (;;) {
      const refusal = new LimiterRefusal('no_slot_in_time', retryAfter(ask.perSecond));
      if (now() > latestMs) throw refusal;
      const slotMs = await pacer.reserve(ask, latestMs);
      if (slotMs === null) throw refusal;
      await prepare?.();
      await sleepUntil(slotMs, now);
      // A stalled event loop, or a slow store, must not send several slots at once.
      if (now() - slotMs <= guardMs) return;
    }
  }

  return {
    backOff: (key, forMs) => pacer.backOff(key, forMs).catch(() => {}),

    turn: (ask, prepare) => {
      const { key, perSecond, priority, withinMs } = ask;
      const latestMs = now() + withinMs;
      // Resolved inside the job: Bottleneck would take another millisecond to say so, and the
      // moment of sending is now.
      return new Promise((resolve, reject) => {
        const job = async (): Promise<void> => {
          await waitForSlot(ask, latestMs, prepare);
          resolve();
        };
        queueOf(key, perSecond)
          .schedule({ priority: priorities[priority] }, job)
          .catch((error: unknown) => {
            const isShed = error instanceof Bottleneck.BottleneckError;
            reject(isShed ? new LimiterRefusal('overloaded', retryAfter(perSecond)) : error);
          });
      });
    },
  };
}

/** Long enough for a part of the queue to drain. */
function retryAfter(perSecond: number): number {
  return Math.max(1000, Math.ceil(1000 / perSecond));
}

async function sleepUntil(momentMs: number, now: () => number): Promise<void> {
  for (let wait = momentMs - now(); wait > 0; wait = momentMs - now()) {
    await new Promise((resolve) => setTimeout(resolve, Math.ceil(wait)));
  }
}
