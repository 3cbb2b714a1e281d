import { StoreUnavailable, type Log } from '../../ports/index.ts';
import { logBug } from '../log-bug.ts';

/** Delays of the retries after a store failure. They outlast a failover of Redis. */
const againAfterMs = [300, 1000, 3000, 10_000, 30_000];

/**
 * Runs a step that changes a claim. Resolves to whether the step is done by now. If the store does not
 * respond, the step is retried in the background. Otherwise a key whose result is known, or whose call
 * provably did nothing, would stay unknown for a day.
 *
 * The step must be harmless if it is repeated, and if another request holds the claim by then.
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
