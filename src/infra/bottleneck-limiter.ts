import { AsyncLocalStorage } from 'node:async_hooks';
import Bottleneck from 'bottleneck';
import {
  LimiterRefusal,
  type Limiter,
  type LimiterAsk,
  type LimiterPriority,
  type LimiterSteps,
  type Turn,
} from '../ports/index.ts';
import { createFairOrder, type FairOrder } from './fair-order.ts';

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
 * How long before its slot a call is chosen, in addition to the time that preparing takes. Later, a busy process would miss
 * slots. Earlier, calls that come meanwhile would wait for the slots after it.
 */
const chooseBeforeMs = 20;

/** Calls that name no tenant. */
const noTenant = { id: '', weight: 1 };

/**
 * A local Bottleneck queue per limited action, with priority, turns by tenant and shedding, in front of a pacer.
 *
 * Each call that waits adds a job. A job reserves a slot, and shortly before the slot begins it chooses the call that is
 * next. A job holds its place until then, so `maxConcurrent` is how far the queue looks ahead. Without it Bottleneck ignores
 * priority (2.19.5).
 */
export function createBottleneckLimiter({ pacer, now, guardMs }: Deps): Limiter {
  const queues = new Map<string, Queue>();
  const latestStartMs = guardMs * startShare;

  function queueOf(key: string, perSecond: number): Queue {
    const known = queues.get(key);
    if (known) return known;
    const concurrent = concurrentFor(perSecond, 0);
    const queue: Queue = {
      jobs: new Bottleneck({ maxConcurrent: concurrent }),
      waiting: createFairOrder(),
      ...{ concurrent, applied: concurrent },
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

  /** Reserves a slot and gives it to the call that is next then. Ends when a call has its turn, or none waits. */
  async function serve(queue: Queue): Promise<void> {
    const connectedFromMs = performance.now();
    await connectNext(queue);
    const connectMs = performance.now() - connectedFromMs;
    for (let first = queue.waiting.next(); first; first = queue.waiting.next()) {
      const askedMs = performance.now();
      const leadMs = Math.min(mostLeadMs, queue.readyMs * leadShare);
      let slot: Slot | null;
      try {
        slot = await pacer.reserve(first.ask, first.latestMs, leadMs);
      } catch (error) {
        // Another job may have served it meanwhile. Then this job is for those who still wait.
        if (!leave(queue, first)) continue;
        first.reject(error);
        return;
      }
      queue.readyMs = slowestOfLate(queue.readyMs, 0);
      if (slot === null) {
        if (leave(queue, first)) first.reject(noSlotInTime(first.ask.perSecond));
        continue;
      }
      const reservedMs = performance.now();
      await sleepUntil(slot.atMs - leadMs - chooseBeforeMs, now);
      const chosenFromMs = performance.now();
      const { atMs } = slot;
      const call =
        queue.waiting.take(({ isConnected, latestMs }) => isConnected && latestMs >= atMs) ??
        queue.waiting.take(({ latestMs }) => latestMs >= atMs);
      // Those who cannot wait for this slot are ended by their timers.
      if (!call) return slot.giveBack();
      void connectNext(queue);
      const isServed = await give(queue, call, slot);
      const busyMs = reservedMs - askedMs + (performance.now() - chosenFromMs);
      queue.busyMs = slowestOfLate(queue.busyMs, connectMs + busyMs);
      adjust(queue, call.ask.perSecond);
      if (isServed) return;
    }
  }

  /** False if the slot was missed. Then the call waits for another one. */
  async function give(queue: Queue, call: Call, slot: Slot): Promise<boolean> {
    const { ask, steps } = call;
    try {
      await call.connect();
      const preparedFromMs = performance.now();
      await steps.prepare?.();
      if (steps.prepare) {
        queue.readyMs = slowestOfLate(queue.readyMs, performance.now() - preparedFromMs);
      }
    } catch (error) {
      slot.giveBack();
      call.reject(error);
      return true;
    }
    await sleepUntil(slot.atMs, now);
    // After a stall of the event loop or of the store, several slots must not be used at once. After the
    // clock was set, the slot is not known.
    const isInTime = (): boolean => {
      const lateMs = now() - slot.atMs;
      return lateMs >= 0 && lateMs <= latestStartMs;
    };
    if (isInTime()) {
      call.resolve({ isInTime, giveBack: slot.giveBack });
      return true;
    }
    slot.giveBack();
    if (isOver(call)) {
      call.reject(noSlotInTime(ask.perSecond));
      return true;
    }
    queue.waiting.add(call);
    return false;
  }

  /** The wall clock may be set while a call waits. The other clock is monotonic. */
  function isOver({ latestMs, endMs }: Call): boolean {
    return now() > latestMs || performance.now() > endMs;
  }

  /** Takes a place of the queue's look-ahead until a call has its turn. */
  async function hold(queue: Queue): Promise<void> {
    queue.holding += 1;
    try {
      await serve(queue);
    } finally {
      queue.holding -= 1;
    }
  }

  return {
    backOff: (key, forMs) => pacer.backOff(key, forMs).catch(() => {}),

    turn: (ask, steps = {}) => {
      const { key, perSecond, priority, withinMs } = ask;
      const queue = queueOf(key, perSecond);
      if (withinMs < 0) return Promise.reject(noSlotInTime(perSecond));
      return new Promise((resolve, reject) => {
        const call = createCall(ask, steps, now() + withinMs, { resolve, reject });
        // Calls with a higher priority may keep this one waiting. The timer still ends it in time.
        const timer = setTimeout(() => {
          if (leave(queue, call)) reject(noSlotInTime(perSecond));
        }, withinMs);
        call.onEnd(() => clearTimeout(timer));
        // If no call waits, there is nothing to order. A Bottleneck job costs about 440 µs (2.19.5, 2026-11-24).
        const isFree = queue.holding < Math.max(1, queue.concurrent * directShare);
        if (isFree && queue.jobs.queued() === 0) {
          queue.waiting.add(call);
          void hold(queue);
          return;
        }
        const shed = makeRoom(queue, call, Math.max(1, Math.ceil(perSecond * queueSeconds)));
        shed?.reject(new LimiterRefusal('overloaded', retryAfter(perSecond)));
        if (shed === call) return;
        queue.waiting.add(call);
        // It may get the next slot, whichever job reserved it.
        if (queue.waiting.next() === call) void connectNext(queue);
        // The job of the call that was shed serves this one.
        if (shed) return;
        applyConcurrency(queue);
        void queue.jobs.schedule({ priority: priorities[priority] }, () => hold(queue));
      });
    },
  };
}

interface Queue {
  readonly jobs: Bottleneck;
  readonly waiting: FairOrder<Call>;
  /** How many jobs may run at once, and what Bottleneck was told last. */
  concurrent: number;
  applied: number;
  /** How many calls hold a place, with and without a job. */
  holding: number;
  /** How long preparing takes. */
  readyMs: number;
  /** How long a job holds its place for anything other than waiting for its slot. */
  busyMs: number;
}

interface Call {
  readonly ask: LimiterAsk;
  readonly steps: LimiterSteps;
  readonly priority: number;
  readonly tenant: string;
  readonly weight: number;
  /** Until when it can wait, by the clock of the slots and by a monotonic one. */
  readonly latestMs: number;
  readonly endMs: number;
  readonly isConnected: boolean;
  /** Connects once, however often it is called. */
  readonly connect: () => Promise<void>;
  readonly resolve: (turn: Turn) => void;
  readonly reject: (error: unknown) => void;
  readonly onEnd: (work: () => void) => void;
}

function createCall(
  ask: LimiterAsk,
  steps: LimiterSteps,
  latestMs: number,
  settle: { readonly resolve: (turn: Turn) => void; readonly reject: (error: unknown) => void },
): Call {
  const { id: tenant, weight } = ask.tenant ?? noTenant;
  let connecting: Promise<void> | null = null;
  let isConnected = steps.connect === undefined;
  let atEnd = (): void => {};
  // A slot may be given by the job of another call. Steps run in the context of their own.
  const inContext = AsyncLocalStorage.snapshot();
  const { connect, prepare } = steps;
  const bound: LimiterSteps = {
    connect: connect && (() => inContext(connect)),
    prepare: prepare && (() => inContext(prepare)),
  };
  const connectOnce = async (): Promise<void> => {
    await bound.connect?.();
    isConnected = true;
  };
  return {
    ...{ ask, steps: bound, latestMs, tenant, weight },
    priority: priorities[ask.priority],
    endMs: performance.now() + ask.withinMs,
    get isConnected() {
      return isConnected;
    },
    connect: () => {
      connecting ??= connectOnce();
      return connecting;
    },
    resolve: (turn) => {
      atEnd();
      settle.resolve(turn);
    },
    reject: (error) => {
      atEnd();
      settle.reject(error);
    },
    onEnd: (work) => {
      atEnd = work;
    },
  };
}

/** Connects the next call that is not connected, so that it is ready for its slot. */
async function connectNext(queue: Queue): Promise<void> {
  const call = queue.waiting.next(({ isConnected }) => !isConnected);
  await call?.connect().catch((error: unknown) => {
    if (leave(queue, call)) call.reject(error);
  });
}

/** False if it no longer waits. */
function leave(queue: Queue, call: Call): boolean {
  return queue.waiting.remove(call);
}

/**
 * The call to refuse if the queue is full: the last one of the tenant that has most calls waiting for its weight, which may
 * be the new call itself.
 */
function makeRoom({ waiting }: Queue, call: Call, most: number): Call | null {
  if (waiting.size() < most) return null;
  return waiting.lastOfMost(call) ?? call;
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
