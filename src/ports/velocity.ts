/** So many in so long. */
export interface VelocityRule {
  readonly most: number;
  readonly seconds: number;
}

/** One thing that is counted: `key` is a keyed hash of whom or what it is about. */
export interface VelocityCounter {
  readonly name: string;
  readonly key: string;
  readonly rule: VelocityRule;
}

export type VelocitySpent =
  | {
      readonly kind: 'spent';
      /** Takes back what was counted, for a call that did nothing. Throws `StoreUnavailable`. */
      readonly refund: () => Promise<void>;
    }
  | { readonly kind: 'refused'; readonly retryAfterMs: number };

/** Counts what callers do, over all replicas. */
export interface Velocity {
  /**
   * Counts a call in every counter, or in none of them where one is full. Throws `StoreUnavailable` when
   * nobody can count.
   */
  readonly spend: (counters: readonly VelocityCounter[]) => Promise<VelocitySpent>;
}
