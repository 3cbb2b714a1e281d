/** Keeps a provider in trouble from being asked twice as often. */
export interface RetryBudget {
  /** A call was made. */
  readonly earn: (key: string) => void;
  /** False when too many were repeated already. */
  readonly spend: (key: string) => boolean;
}

/** One of ten calls may be repeated; so many may be saved up, and are there at the start. */
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
