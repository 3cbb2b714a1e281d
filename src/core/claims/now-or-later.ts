import { StoreUnavailable, type Log } from '../../ports/index.ts';
import { logBug } from '../log-bug.ts';

/** When a step is tried again that the store did not take; by then Redis has failed over. */
const againAfterMs = [300, 1000, 3000, 10_000, 30_000];

/**
 * Takes a step of a claim whose failure changes nothing that the caller is told. Resolves to whether it is
 * done by now. A step that the store did not answer is tried again in the background: a key whose call
 * is known to have done nothing, or whose answer is known, does not stay unknown for a day.
 *
 * The step must be harmless when it is repeated, and when its claim has gone to somebody else.
 */
export async function nowOrLater(
  { log }: { readonly log: Log },
  step: () => Promise<boolean>,
): Promise<boolean> {
  const attempt = async (tries: number): Promise<boolean> => {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) logBug(log, 'claim', error);
      else later(tries);
      return false;
    }
  };
  const later = (tries: number): void => {
    const waitMs = againAfterMs[tries];
    if (waitMs !== undefined) setTimeout(() => void attempt(tries + 1), waitMs).unref();
  };
  return attempt(0);
}
