/** Limits retries, so that they cannot double the load on a provider in trouble. */
export interface RetryBudget {
  /** Counts a call. */
  readonly earn: (key: string) => void;
  /** Takes one retry from the budget. False if none is left. */
  readonly spend: (key: string) => boolean;
}

/** One of ten calls may be retried. At most `mostSaved` retries accumulate, and they exist from the start. */
const share = 0.1;
const mostSaved = 3;

export function createRetryBudget(): RetryBudget {
  const saved = new Map<string, number>();
  const of = (key: string): number => saved.get(key) ?? mostSaved;
  return {
    earn: (key) => saved.set(key, Math.min(mostSaved, of(key) + share)),
    spend: (key) => {
      if (of(key) < 1) return false;
      saved.set(key, of(key) - 1);
      return true;
    },
  };
}
