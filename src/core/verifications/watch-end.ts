import { StoreUnavailable } from '../../ports/index.ts';
import type { Caller } from '../callers/caller.ts';
import type { Inbox, OutcomeDeps } from '../core-deps.ts';
import { ownOperation } from '../own-operation.ts';
import type { VerificationRecord } from '../records/records.ts';
import { nextPollAfterMs } from './next-poll-after-ms.ts';
import { demandRead, readVerifications } from './read-verifications.ts';

/** How long one look may take. */
const lookWithinMs = 9000;
/** A subscription asks less often than a page that polls. */
const leastBetweenLooksMs = 2000;
const mostBetweenLooksMs = 60_000;
/** The delay after a look that failed. */
const againAfterMs = 1000;

/** One value at most, then the end. An object and no generator: a generator would not see `return` while it waits. */
export interface EndWatch extends AsyncIterableIterator<VerificationRecord | null> {
  readonly return: () => Promise<IteratorResult<VerificationRecord | null>>;
}

/**
 * Waits for the end of a verification, and yields it as `readVerifications` gives it; null if it does not exist or the
 * caller may not see it. Ends without a value once it is redacted before its end. Rights and redaction are asked again at
 * each look. It looks at each event about the verification, and as often as a client that polls would: the provider may
 * tell nobody that the person is done.
 *
 * Throws `AccessDenied`, and `StoreUnavailable` if events cannot be heard now.
 */
export async function watchEnd(
  deps: OutcomeDeps & Inbox,
  caller: Caller,
  id: string,
): Promise<EndWatch> {
  demandRead(caller);
  const bell = createBell();
  // Before the first look, so that no event falls between the two.
  const stop = await deps.events.listen(id, bell.ring);
  let isOver = false;

  const end = (): IteratorResult<VerificationRecord | null> => {
    isOver = true;
    stop();
    bell.ring();
    return { done: true, value: undefined };
  };

  const watch: EndWatch = {
    next: async () => {
      try {
        for (;;) {
          const seen = isOver ? null : await look(deps, caller, id);
          if (isOver) return end();
          if (seen === null || (!(seen instanceof Error) && seen.status !== 'PENDING')) {
            end();
            return { done: false, value: seen };
          }
          if (!(seen instanceof Error) && seen.redactedAtMs !== null) return end();
          await bell.heard(seen instanceof Error ? againAfterMs : untilNextLookMs(deps, seen));
        }
      } catch (error) {
        // A bug. Whoever asks again would get it again, at once.
        end();
        throw error;
      }
    },
    return: async () => end(),
    throw: async () => end(),
    [Symbol.asyncIterator]: () => watch,
  };
  return watch;
}

async function look(
  deps: OutcomeDeps,
  caller: Caller,
  id: string,
): Promise<VerificationRecord | StoreUnavailable | null> {
  try {
    const [seen = null] = await ownOperation(deps, 'subscription', () =>
      readVerifications(deps, caller, [id], deps.now() + lookWithinMs),
    );
    return seen;
  } catch (error) {
    if (error instanceof StoreUnavailable) return error;
    throw error;
  }
}

function untilNextLookMs(deps: OutcomeDeps, record: VerificationRecord): number {
  const waitMs = nextPollAfterMs(deps, record) ?? leastBetweenLooksMs;
  return Math.min(Math.max(waitMs, leastBetweenLooksMs), mostBetweenLooksMs);
}

interface Bell {
  readonly ring: () => void;
  /** Resolves at the next ring, at once if it rang since the last time, and after `mostMs` at the latest. */
  readonly heard: (mostMs: number) => Promise<void>;
}

function createBell(): Bell {
  let hasRung = false;
  let wake = (): void => {};
  return {
    ring: () => {
      hasRung = true;
      wake();
    },
    heard: async (mostMs) => {
      if (!hasRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, mostMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      hasRung = false;
    },
  };
}
