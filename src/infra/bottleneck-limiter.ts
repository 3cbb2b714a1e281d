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
    /** How long the caller takes until it can send: an earlier moment would be missed. */
    leadMs: number,
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

/** Preparing is given half as much again, and never more than this. */
const leadShare = 1.5;
const mostLeadMs = 400;
/** Longer than any slot is ahead. */
const mostSleepMs = 5000;
/** A timer may fire a little early. */
const earlyMs = 5;

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

  /** How long preparing takes here: the slowest of late, forgotten slowly. */
  let preparingMs = 0;

  async function waitForSlot(
    ask: LimiterAsk,
    prepare: (() => Promise<void>) | undefined,
  ): Promise<void> {
    const latestMs = now() + ask.withinMs;
    // A wall clock may be set while somebody waits; this one is not.
    const endMs = performance.now() + ask.withinMs;
    for (;;) {
      const refusal = new LimiterRefusal('no_slot_in_time', retryAfter(ask.perSecond));
      if (now() > latestMs || performance.now() > endMs) throw refusal;
      const leadMs = prepare ? Math.min(mostLeadMs, preparingMs * leadShare) : 0;
      const slotMs = await pacer.reserve(ask, latestMs, leadMs);
      if (slotMs === null) throw refusal;
      const startedMs = performance.now();
      await prepare?.();
      if (prepare) preparingMs = Math.max(performance.now() - startedMs, preparingMs * 0.95);
      await sleep(slotMs - now());
      // A stalled event loop, or a slow store, must not send several slots at once; and a clock
      // that was set means that nobody knows.
      const lateMs = now() - slotMs;
      if (lateMs <= guardMs && lateMs > -earlyMs) return;
    }
  }

  return {
    backOff: (key, forMs) => pacer.backOff(key, forMs).catch(() => {}),

    turn: (ask, prepare) => {
      const { key, perSecond, priority } = ask;
      const askedMs = performance.now();
      // Resolved inside the job: Bottleneck would take another millisecond to say so, and the
      // moment of sending is now.
      return new Promise((resolve, reject) => {
        let isOver = false;
        // Behind what is more urgent it might never come to its turn: it is told all the same.
        const timer = setTimeout(
          () => {
            isOver = true;
            reject(new LimiterRefusal('no_slot_in_time', retryAfter(perSecond)));
          },
          Math.max(0, ask.withinMs),
        );
        const job = async (): Promise<void> => {
          if (isOver) return;
          clearTimeout(timer);
          const withinMs = ask.withinMs - (performance.now() - askedMs);
          await waitForSlot({ ...ask, withinMs }, prepare);
          resolve();
        };
        queueOf(key, perSecond)
          .schedule({ priority: priorities[priority] }, job)
          .catch((error: unknown) => {
            clearTimeout(timer);
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

async function sleep(ms: number): Promise<void> {
  const endMs = performance.now() + Math.min(ms, mostSleepMs);
  for (let left = endMs - performance.now(); left > 0; left = endMs - performance.now()) {
    await new Promise((resolve) => setTimeout(resolve, Math.ceil(left)));
  }
}
