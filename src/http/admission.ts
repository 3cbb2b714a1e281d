/**
 * `late`: it may be given what is there already or under way, and begins no call of a provider, whose answer
 * would come too late. `shed`: it is told to come again, and does no work. `refused`: it is not even read.
 */
export type Admitted = 'in_time' | 'late' | 'shed' | 'refused';

export interface Admission {
  /** Resolves when the request may be worked on. `leave` follows when it was answered. */
  readonly enter: () => Promise<{ readonly as: Admitted; readonly leave: () => void }>;
}

interface Waiting {
  readonly sinceMs: number;
  readonly let: (as: Admitted) => void;
}

interface Place {
  readonly takenMs: number;
  isLeft: boolean;
}

/** A request that waited longer is late: what is left of its nine seconds is for the provider to answer. */
const lateAfterMs = 2000;
/** A request that waited longer is shed, and then refused: what is left is for telling it so. */
const shedAfterMs = 5000;
const refuseAfterMs = 6500;
/** Nobody waits behind more than this: it could not even be told in time. */
const mostWaiting = 5000;
/** In one turn of the event loop, when nobody is let in whose work is of use; else one. */
const mostShedAtOnce = 5;
const mostRefusedAtOnce = 50;
/** While new requests keep coming, one that is late is let in after so many that are in time. */
const inTimeBeforeLate = 4;
/** How many places there are, and for how long one is taken by a request that mostly waits for others. */
const places = 64;
const placeForMs = 200;
const lookAgainMs = 5;

/**
 * Lets requests in so that what was begun is finished first: one in each turn of the event loop. All at once
 * they would take turns for every step, and all be late. A turn of a busy event loop is long, so that few
 * come in; one of an idle event loop is short. Places bound what comes in while everything waits for Redis.
 *
 * The first to come is the first to be let in, until it is late. From then on the newest goes first: under
 * lasting load whoever is let in can still be served, and not everybody is told in vain.
 */
export function createAdmission({
  nowMs = () => performance.now(),
}: {
  /** A clock that is never set. */
  readonly nowMs?: () => number;
} = {}): Admission {
  const queue: Waiting[] = [];
  let taken: Place[] = [];
  let isScheduled = false;
  let isTurnUsed = false;
  let inTimeInARow = 0;

  const hasPlace = (): boolean => {
    if (taken.length < places) return true;
    taken = taken.filter(({ takenMs, isLeft }) => !isLeft && nowMs() - takenMs < placeForMs);
    return taken.length < places;
  };

  const ageOf = (one: Waiting | undefined): number => (one ? nowMs() - one.sinceMs : 0);

  /** Lets the oldest go, as far as they have waited from so long to so long, so many at most. */
  const dismiss = (as: 'shed' | 'refused', fromMs: number, toMs: number, most: number): void => {
    for (let count = 0; count < most && queue.length > 0; count++) {
      const age = ageOf(queue[0]);
      if (age < fromMs || age >= toMs) return;
      queue.shift()?.let(as);
    }
  };

  const letOneIn = (): void => {
    const oldestMs = ageOf(queue[0]);
    const isNewestInTime = ageOf(queue.at(-1)) < lateAfterMs;
    const isOldestNext =
      oldestMs < lateAfterMs || !isNewestInTime || inTimeInARow >= inTimeBeforeLate;
    // One that is to be shed has only to wait for that.
    const isOldestOfUse = oldestMs < shedAfterMs;
    if (!isOldestOfUse && !isNewestInTime) return;
    const next = isOldestNext && isOldestOfUse ? queue.shift() : queue.pop();
    if (!next) return;
    const as = ageOf(next) < lateAfterMs ? 'in_time' : 'late';
    inTimeInARow = as === 'in_time' ? inTimeInARow + 1 : 0;
    isTurnUsed = true;
    next.let(as);
  };

  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    if (hasPlace()) setImmediate(onTurn);
    // Nothing to do but wait: a loop of turns would keep a core busy.
    else setTimeout(onTurn, lookAgainMs);
  };

  const onTurn = (): void => {
    isScheduled = false;
    isTurnUsed = false;
    dismiss('refused', refuseAfterMs, Infinity, mostRefusedAtOnce);
    const isWorkWaiting = queue.length > 0 && ageOf(queue.at(-1)) < lateAfterMs;
    dismiss('shed', shedAfterMs, refuseAfterMs, isWorkWaiting ? 1 : mostShedAtOnce);
    if (queue.length === 0) return;
    if (hasPlace()) letOneIn();
    schedule();
  };

  return {
    enter: async () => {
      const as = await new Promise<Admitted>((resolve) => {
        if (queue.length >= mostWaiting) return resolve('refused');
        if (queue.length === 0 && !isTurnUsed && hasPlace()) {
          isTurnUsed = true;
          resolve('in_time');
        } else queue.push({ sinceMs: nowMs(), let: resolve });
        schedule();
      });
      const place: Place = { takenMs: nowMs(), isLeft: false };
      if (as === 'in_time' || as === 'late') taken.push(place);
      return {
        as,
        leave: () => {
          place.isLeft = true;
        },
      };
    },
  };
}
