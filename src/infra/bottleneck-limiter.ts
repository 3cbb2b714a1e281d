import Bottleneck from 'bottleneck';
import {
  LimiterRefusal,
  type Limiter,
  type LimiterAsk,
  type LimiterPriority,
  type LimiterSteps,
} from '../ports/index.ts';

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
  /**
   * How much later than its slot a call may reach the wire. Half of it is for a late start, which is
   * checked; the other half is for what happens between that check and the wire.
   */
  readonly guardMs: number;
}

// Bottleneck: 0 is the most urgent.
const priorities = {
  start: 2,
  result: 5,
  reconcile: 8,
} as const satisfies Record<LimiterPriority, number>;

const startShare = 0.5;
/**
 * Preparing is given half as much again as it took of late, and never more than this: what was measured
 * across a stall of our own must not keep anybody from ever getting a moment.
 */
const leadShare = 1.5;
const mostLeadMs = 600;
/** Longer than any slot is ahead. */
const mostSleepMs = 5000;

/** How much may wait, in seconds of the limit: nobody waits longer than an operation lasts. */
const queueSeconds = 3;
/** How far the queue looks ahead, in seconds of the limit, beyond the time that getting ready takes. */
const lookAheadSeconds = 0.1;

/**
 * A local Bottleneck queue per limited action, with priority and shedding, in front of a pacer.
 *
 * A job holds its place only until its moment of sending, so `maxConcurrent` is how far the queue
 * looks ahead; without it Bottleneck would ignore priority and highWater (facts: 2.19.5).
 */
export function createBottleneckLimiter({ pacer, now, guardMs }: Deps): Limiter {
  const queues = new Map<string, Queue>();
  const latestStartMs = guardMs * startShare;

  function queueOf(key: string, perSecond: number): Queue {
    const known = queues.get(key);
    if (known) return known;
    const concurrent = concurrentFor(perSecond, 0);
    const jobs = new Bottleneck({
      maxConcurrent: concurrent,
      highWater: Math.max(1, Math.ceil(perSecond * queueSeconds)),
      strategy: Bottleneck.strategy.OVERFLOW,
    });
    const queue: Queue = { jobs, concurrent, readyMs: 0, busyMs: 0 };
    queues.set(key, queue);
    return queue;
  }

  /** As many jobs at once as slots pass while one of them gets ready: fewer would leave slots unused. */
  function adjust(queue: Queue, perSecond: number): void {
    const concurrent = concurrentFor(perSecond, queue.busyMs);
    if (concurrent === queue.concurrent) return;
    queue.concurrent = concurrent;
    void queue.jobs.updateSettings({ maxConcurrent: concurrent });
  }

  async function waitForSlot(
    queue: Queue,
    ask: LimiterAsk,
    { connect, prepare }: LimiterSteps,
  ): Promise<() => boolean> {
    const latestMs = now() + ask.withinMs;
    // A wall clock may be set while somebody waits; this one is not.
    const endMs = performance.now() + ask.withinMs;
    const connectedFromMs = performance.now();
    await connect?.();
    const connectMs = performance.now() - connectedFromMs;
    for (;;) {
      const refusal = new LimiterRefusal('no_slot_in_time', retryAfter(ask.perSecond));
      if (now() > latestMs || performance.now() > endMs) throw refusal;
      const askedMs = performance.now();
      const leadMs = Math.min(mostLeadMs, queue.readyMs * leadShare);
      const slotMs = await pacer.reserve(ask, latestMs, leadMs);
      queue.readyMs = slowestOfLate(queue.readyMs, 0);
      if (slotMs === null) throw refusal;
      const reservedMs = performance.now();
      await prepare?.();
      if (prepare) queue.readyMs = slowestOfLate(queue.readyMs, performance.now() - reservedMs);
      queue.busyMs = slowestOfLate(queue.busyMs, connectMs + performance.now() - askedMs);
      adjust(queue, ask.perSecond);
      await sleepUntil(slotMs, now);
      // A stalled event loop, or a slow store, must not send several slots at once; and a clock
      // that was set means that nobody knows.
      const isInTime = (): boolean => {
        const lateMs = now() - slotMs;
        return lateMs >= 0 && lateMs <= latestStartMs;
      };
      if (isInTime()) return isInTime;
    }
  }

  return {
    backOff: (key, forMs) => pacer.backOff(key, forMs).catch(() => {}),

    turn: (ask, steps = {}) => {
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
        const queue = queueOf(key, perSecond);
        const job = async (): Promise<void> => {
          if (isOver) return;
          clearTimeout(timer);
          const withinMs = ask.withinMs - (performance.now() - askedMs);
          resolve(await waitForSlot(queue, { ...ask, withinMs }, steps));
        };
        queue.jobs.schedule({ priority: priorities[priority] }, job).catch((error: unknown) => {
          clearTimeout(timer);
          const isShed = error instanceof Bottleneck.BottleneckError;
          reject(isShed ? new LimiterRefusal('overloaded', retryAfter(perSecond)) : error);
        });
      });
    },
  };
}

interface Queue {
  readonly jobs: Bottleneck;
  concurrent: number;
  /** How long preparing takes once a moment is reserved. */
  readyMs: number;
  /** How long a job holds its place for other things than waiting for its moment. */
  busyMs: number;
}

function concurrentFor(perSecond: number, busyMs: number): number {
  return Math.max(1, Math.ceil(perSecond * (lookAheadSeconds + busyMs / 1000)));
}

/** Forgotten slowly. */
function slowestOfLate(knownMs: number, ms: number): number {
  return Math.max(ms, knownMs * 0.95);
}

/** Long enough for a part of the queue to drain. */
function retryAfter(perSecond: number): number {
  return Math.max(1000, Math.ceil(1000 / perSecond));
}

/** A clock that is set while somebody sleeps wakes nobody much later than that. */
const mostNaps = 5;

/** Never ends early by this clock: a call before its slot is as wrong as a late one. */
async function sleepUntil(slotMs: number, now: () => number): Promise<void> {
  for (let naps = 0, ms = slotMs - now(); ms > 0 && naps < mostNaps; naps++, ms = slotMs - now()) {
    await new Promise((resolve) => setTimeout(resolve, Math.ceil(Math.min(ms, mostSleepMs))));
  }
}
