/**
 * `late`: it may be given what is there already or under way, and begins no call of a provider, whose answer
 * would come too late. `shed`: it is told to come again, and does no work.
 */
export type Admitted = 'in_time' | 'late' | 'shed';

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
/** A request that waited longer is shed. */
const shedAfterMs = 5000;
/** Shed at most so many in one turn of the event loop: telling them takes time as well. */
const mostShedAtOnce = 5;
/** How many places there are, and for how long one is taken by a request that mostly waits for others. */
const places = 64;
const placeForMs = 200;
const lookAgainMs = 5;

/**
 * Lets requests in so that what was begun is finished first: one in each turn of the event loop, in the
 * order in which they came. All at once they would take turns for every step, and all be late.
 *
 * A turn of a busy event loop is long, so that few come in; one of an idle event loop is short. Places
 * bound what comes in while everything waits for Redis, and nothing seems to be busy.
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

  const hasPlace = (): boolean => {
    if (taken.length < places) return true;
    taken = taken.filter(({ takenMs, isLeft }) => !isLeft && nowMs() - takenMs < placeForMs);
    return taken.length < places;
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
    for (let shed = 0; shed < mostShedAtOnce; shed++) {
      const first = queue[0];
      if (!first || nowMs() - first.sinceMs < shedAfterMs) break;
      queue.shift();
      first.let('shed');
    }
    if (queue.length === 0) return;
    const next = hasPlace() ? queue.shift() : undefined;
    if (next) {
      isTurnUsed = true;
      next.let(nowMs() - next.sinceMs < lateAfterMs ? 'in_time' : 'late');
    }
    schedule();
  };

  return {
    enter: async () => {
      const as = await new Promise<Admitted>((resolve) => {
        if (queue.length === 0 && !isTurnUsed && hasPlace()) {
          isTurnUsed = true;
          resolve('in_time');
        } else queue.push({ sinceMs: nowMs(), let: resolve });
        schedule();
      });
      const place: Place = { takenMs: nowMs(), isLeft: false };
      if (as !== 'shed') taken.push(place);
      return {
        as,
        leave: () => {
          place.isLeft = true;
        },
      };
    },
  };
}
