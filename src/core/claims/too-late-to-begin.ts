import { LimiterRefusal } from '../../ports/index.ts';
import { retryLaterMs } from '../problem.ts';

export interface Lateness {
  /** The request waited so long that a provider's answer would come too late for its caller. */
  readonly isLate?: boolean;
}

/** Refuses a call of a provider that nobody would hear the answer of: the caller is told `OVERLOADED`. */
export function tooLateToBegin(): LimiterRefusal {
  return new LimiterRefusal('overloaded', retryLaterMs('OVERLOADED') ?? 0);
}
