import { LimiterRefusal } from '../../ports/index.ts';
import { retryLaterMs } from '../problem.ts';

export interface Lateness {
  /** The request waited so long that a provider's response would come too late for its caller. */
  readonly isLate?: boolean;
}

/** Refuses a call whose response would come too late for the caller. The caller gets `OVERLOADED`. */
export function tooLateToBegin(): LimiterRefusal {
  return new LimiterRefusal('overloaded', retryLaterMs('OVERLOADED') ?? 0);
}
