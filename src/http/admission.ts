/**
 * - `late`: the request may get an existing result or one that is under way, but starts no provider call,
 *   because the response would come too late.
 * - `shed`: it is told to retry later and does no work.
 * - `refused`: it is not even read.
 */
export type Admitted = 'in_time' | 'late' | 'shed' | 'refused';

export interface Admission {
  /** Resolves when the request may be processed. Call `leave` after the response. */
  readonly enter: () => Promise<Entered>;
}

interface Entered {
  readonly as: Admitted;
  readonly leave: () => void;
}

interface Waiting {
  readonly sinceMs: number;
  readonly let: (as: Admitted) => void;
}

interface Place {
  readonly takenMs: number;
  isLeft: boolean;
}

/** A request that waited longer is late: the rest of its 9 s is too short for a provider call. */
const lateAfterMs = 2000;
/**
 * A request that waited longer is shed, and later refused: the rest of its time is enough for that response
 * only.
 */
const shedAfterMs = 5000;
const refuseAfterMs = 6500;
/** Queue limit. A request behind more than this could not even be refused in time. */
const mostWaiting = 5000;
/** Per turn of the event loop if no request in the queue is in time; otherwise one. */
const mostShedAtOnce = 5;
const mostRefusedAtOnce = 50;
/** While in-time requests keep coming, one late request is admitted after this many of them. */
const inTimeBeforeLate = 4;
/**
 * The number of places. A request frees its place when it leaves, or after `placeForMs`, because by then it
 * mostly waits for Redis or a provider.
 */
const places = 64;
const placeForMs = 200;
/**
 * How many requests one turn admits. Requests of one turn send their commands together: 32 starts at a time cost a
 * sixth less CPU than with one request a turn. With 16 a turn took so long that slots of the rate limit were missed
 * (Node 24.21, 2026-11-26).
 */
const mostPerTurn = 4;
const lookAgainMs = 5;

/**
 * Admits a few requests per turn of the event loop, so that started work finishes first. If all requests were
 * admitted at once, they would alternate at every step and all be late. A turn of a busy event loop takes
 * long, so few requests enter; a turn of an idle one is short. The places limit admissions while everything
 * waits for Redis.
 *
 * The oldest request is admitted first until it is late. From then on the newest goes first: under lasting
 * overload the admitted requests can still be served in time.
 */
export function createAdmission({
  nowMs = () => performance.now(),
}: {
  /** A monotonic clock. */
  readonly nowMs?: () => number;
} = {}): Admission {
  const queue: Waiting[] = [];
  let taken: Place[] = [];
  let isScheduled = false;
  let admittedInTurn = 0;
  let inTimeInARow = 0;

  const hasPlace = (): boolean => {
    if (taken.length < places) return true;
    taken = taken.filter(({ takenMs, isLeft }) => !isLeft && nowMs() - takenMs < placeForMs);
    return taken.length < places;
  };

  const mayAdmit = (): boolean => admittedInTurn < mostPerTurn && hasPlace();

  const ageOf = (one: Waiting | undefined): number => (one ? nowMs() - one.sinceMs : 0);

  /** Lets up to `most` of the oldest requests go, if they have waited from `fromMs` to `toMs`. */
  const dismiss = (as: 'shed' | 'refused', fromMs: number, toMs: number, most: number): void => {
    for (let count = 0; count < most && queue.length > 0; count++) {
      const age = ageOf(queue[0]);
      if (age < fromMs || age >= toMs) return;
      queue.shift()?.let(as);
    }
  };

  /** False if no request was admitted. */
  const letOneIn = (): boolean => {
    if (!mayAdmit()) return false;
    const oldestMs = ageOf(queue[0]);
    const isNewestInTime = ageOf(queue.at(-1)) < lateAfterMs;
    const isOldestNext =
      oldestMs < lateAfterMs || !isNewestInTime || inTimeInARow >= inTimeBeforeLate;
    // A request that is due to be shed is not admitted any more.
    const isOldestOfUse = oldestMs < shedAfterMs;
    if (!isOldestOfUse && !isNewestInTime) return false;
    const next = isOldestNext && isOldestOfUse ? queue.shift() : queue.pop();
    if (!next) return false;
    const as = ageOf(next) < lateAfterMs ? 'in_time' : 'late';
    inTimeInARow = as === 'in_time' ? inTimeInARow + 1 : 0;
    next.let(as);
    return true;
  };

  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    if (hasPlace()) setImmediate(onTurn);
    // Without a free place, a loop of turns would keep a CPU core busy.
    else setTimeout(onTurn, lookAgainMs);
  };

  const onTurn = (): void => {
    isScheduled = false;
    admittedInTurn = 0;
    dismiss('refused', refuseAfterMs, Infinity, mostRefusedAtOnce);
    const isWorkWaiting = queue.length > 0 && ageOf(queue.at(-1)) < lateAfterMs;
    dismiss('shed', shedAfterMs, refuseAfterMs, isWorkWaiting ? 1 : mostShedAtOnce);
    if (queue.length === 0) return;
    while (letOneIn());
    schedule();
  };

  const admit = (as: Admitted): Entered => {
    const place: Place = { takenMs: nowMs(), isLeft: false };
    if (as === 'in_time' || as === 'late') {
      admittedInTurn += 1;
      taken.push(place);
    }
    return {
      as,
      leave: () => {
        place.isLeft = true;
      },
    };
  };

  return {
    enter: () =>
      new Promise((resolve) => {
        const enter = (as: Admitted): void => resolve(admit(as));
        if (queue.length >= mostWaiting) return enter('refused');
        if (queue.length === 0 && mayAdmit()) enter('in_time');
        else queue.push({ sinceMs: nowMs(), let: enter });
        schedule();
      }),
  };
}
