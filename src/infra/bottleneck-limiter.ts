import { AsyncResource } from 'node:async_hooks';
import Bottleneck from 'bottleneck';
import {
  LimiterRefusal,
  type Limiter,
  type LimiterAsk,
  type LimiterPriority,
  type LimiterSteps,
  type Turn,
} from '../ports/index.ts';

export interface Slot {
  /** When it begins, by `now`. */
  readonly atMs: number;
  /** Call if certainly nothing was sent in it. */
  readonly giveBack: () => void;
}

/** Decides when the next call may be sent. Shared by all replicas that share the quota. */
export interface Pacer {
  /**
   * The reserved slot; null if there is none before `latestMs`. Throws `StoreUnavailable` if it
   * cannot be known what the other replicas send.
   */
  readonly reserve: (
    ask: Pick<LimiterAsk, 'key' | 'perSecond' | 'priority'>,
    latestMs: number,
    /** How long the caller needs until it can send. An earlier slot would be missed. */
    leadMs: number,
  ) => Promise<Slot | null>;
  /**
   * Call before the first use, so that no call has to wait until the traffic of the other replicas is
   * known.
   */
  readonly warm: (key: string, perSecond: number) => Promise<void>;
  /** Grants no slot for this long. */
  readonly backOff: (key: string, forMs: number) => Promise<void>;
}

interface Deps {
  readonly pacer: Pacer;
  readonly now: () => number;
  /**
   * How much later than its slot a call may reach the wire. One half is for a late start, which is checked.
   * The other half is for the time between that check and the wire.
   */
  readonly guardMs: number;
}

// In Bottleneck, 0 is the most urgent priority.
const priorities = {
  start: 2,
  result: 5,
  reconcile: 8,
} as const satisfies Record<LimiterPriority, number>;

const startShare = 0.5;
/**
 * The time reserved for preparing is 1.5 times the slowest recent one, but never more than this. A duration
 * measured across a stall of this process must not make every slot unreachable.
 */
const leadShare = 1.5;
const mostLeadMs = 600;
/** Longer than any slot is ahead. */
const mostSleepMs = 5000;

/** Queue limit, in seconds of the rate limit. No call waits longer than an operation lasts. */
const queueSeconds = 3;
/**
 * How far the queue looks ahead, in seconds of the rate limit, in addition to the time that preparing
 * takes.
 */
const lookAheadSeconds = 0.1;

/** Calls without a job take at most this share of the look-ahead, so that jobs soon decide the order. */
const directShare = 0.5;

/**
 * A local Bottleneck queue per limited action, with priority and shedding, in front of a pacer.
 *
 * A job holds its place only until its slot begins, so `maxConcurrent` is how far the queue looks ahead.
 * Without it Bottleneck ignores priority and highWater (2.19.5).
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
    const queue: Queue = {
      ...{ jobs, concurrent, applied: concurrent },
      ...{ holding: 0, readyMs: 0, busyMs: 0 },
    };
    queues.set(key, queue);
    return queue;
  }

  /**
   * Allows as many jobs at once as slots pass while one job prepares. With fewer, slots would stay unused.
   */
  function adjust(queue: Queue, perSecond: number): void {
    const concurrent = concurrentFor(perSecond, queue.busyMs);
    if (concurrent === queue.concurrent) return;
    queue.concurrent = concurrent;
    // Bottleneck needs a timer and ten promises for this, which calls without a job do without.
    if (queue.jobs.queued() > 0) applyConcurrency(queue);
  }

  function applyConcurrency(queue: Queue): void {
    if (queue.applied === queue.concurrent) return;
    queue.applied = queue.concurrent;
    void queue.jobs.updateSettings({ maxConcurrent: queue.concurrent });
  }

  async function waitForSlot(
    queue: Queue,
    ask: LimiterAsk,
    { connect, prepare }: LimiterSteps,
  ): Promise<Turn> {
    const latestMs = now() + ask.withinMs;
    // The wall clock may be set while a call waits. This clock is monotonic.
    const endMs = performance.now() + ask.withinMs;
    const connectedFromMs = performance.now();
    await connect?.();
    const connectMs = performance.now() - connectedFromMs;
    for (;;) {
      if (now() > latestMs || performance.now() > endMs) throw noSlotInTime(ask.perSecond);
      const askedMs = performance.now();
      const leadMs = Math.min(mostLeadMs, queue.readyMs * leadShare);
      const slot = await pacer.reserve(ask, latestMs, leadMs);
      queue.readyMs = slowestOfLate(queue.readyMs, 0);
      if (slot === null) throw noSlotInTime(ask.perSecond);
      const reservedMs = performance.now();
      try {
        await prepare?.();
      } catch (error) {
        slot.giveBack();
        throw error;
      }
      if (prepare) queue.readyMs = slowestOfLate(queue.readyMs, performance.now() - reservedMs);
      queue.busyMs = slowestOfLate(queue.busyMs, connectMs + performance.now() - askedMs);
      adjust(queue, ask.perSecond);
      await sleepUntil(slot.atMs, now);
      // After a stall of the event loop or of the store, several slots must not be used at once. After the
      // clock was set, the slot is not known.
      const isInTime = (): boolean => {
        const lateMs = now() - slot.atMs;
        return lateMs >= 0 && lateMs <= latestStartMs;
      };
      if (isInTime()) return { isInTime, giveBack: slot.giveBack };
      slot.giveBack();
    }
  }

  /** Takes a place of the queue's look-ahead until the slot begins. */
  async function hold(queue: Queue, ask: LimiterAsk, steps: LimiterSteps): Promise<Turn> {
    queue.holding += 1;
    try {
      return await waitForSlot(queue, ask, steps);
    } finally {
      queue.holding -= 1;
    }
  }

  return {
    backOff: (key, forMs) => pacer.backOff(key, forMs).catch(() => {}),

    turn: (ask, steps = {}) => {
      const { key, perSecond, priority } = ask;
      const queue = queueOf(key, perSecond);
      // If no call waits, there is nothing to order. A Bottleneck job costs about 440 µs (2.19.5, 2026-11-24).
      const isFree = queue.holding < Math.max(1, queue.concurrent * directShare);
      if (isFree && queue.jobs.queued() === 0) return hold(queue, ask, steps);
      applyConcurrency(queue);
      const askedMs = performance.now();
      // Resolved inside the job, because Bottleneck takes another millisecond to report its end, and the
      // slot has begun.
      return new Promise((resolve, reject) => {
        let isOver = false;
        // Calls with a higher priority may keep this one in the queue. The timer still ends it in time.
        const timer = setTimeout(
          () => {
            isOver = true;
            reject(noSlotInTime(perSecond));
          },
          Math.max(0, ask.withinMs),
        );
        // Bottleneck runs a queued job in the context of whichever call ended before it.
        const job = AsyncResource.bind(async (): Promise<void> => {
          if (isOver) return;
          clearTimeout(timer);
          const withinMs = ask.withinMs - (performance.now() - askedMs);
          resolve(await hold(queue, { ...ask, withinMs }, steps));
        });
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
  /** How many jobs may run at once, and what Bottleneck was told last. */
  concurrent: number;
  applied: number;
  /** How many calls hold a place, with and without a job. */
  holding: number;
  /** How long preparing takes after a slot is reserved. */
  readyMs: number;
  /** How long a job holds its place for anything other than waiting for its slot. */
  busyMs: number;
}

function concurrentFor(perSecond: number, busyMs: number): number {
  return Math.max(1, Math.ceil(perSecond * (lookAheadSeconds + busyMs / 1000)));
}

/** The slowest recent duration. It decreases by 5 % with each call. */
function slowestOfLate(knownMs: number, ms: number): number {
  return Math.max(ms, knownMs * 0.95);
}

function noSlotInTime(perSecond: number): LimiterRefusal {
  return new LimiterRefusal('no_slot_in_time', retryAfter(perSecond));
}

/** Long enough for part of the queue to drain. */
function retryAfter(perSecond: number): number {
  return Math.max(1000, Math.ceil(1000 / perSecond));
}

/** If the clock is set during a sleep, the call wakes after at most this many naps. */
const mostNaps = 5;

/** Never ends early by this clock: a call before its slot is as wrong as a late one. */
async function sleepUntil(slotMs: number, now: () => number): Promise<void> {
  for (let naps = 0, ms = slotMs - now(); ms > 0 && naps < mostNaps; naps++, ms = slotMs - now()) {
    await new Promise((resolve) => setTimeout(resolve, Math.ceil(Math.min(ms, mostSleepMs))));
  }
}
