/** At most `most` calls in `seconds`. */
export interface VelocityRule {
  readonly most: number;
  readonly seconds: number;
}

export type VelocityName = 'tenant' | 'share' | 'user' | 'card' | 'id';

/** One counter. `key` is a keyed hash of the person, card or tenant that is counted. */
export interface VelocityCounter {
  readonly name: VelocityName;
  readonly key: string;
  readonly rule: VelocityRule;
}

export type VelocitySpent =
  | {
      readonly kind: 'spent';
      /** Subtracts the call again, if it did nothing. Throws `StoreUnavailable`. */
      readonly refund: () => Promise<void>;
    }
  | {
      readonly kind: 'refused';
      readonly retryAfterMs: number;
      /** The counter that is full; if several are, the one to wait for longest. */
      readonly by: VelocityName;
    };

/** Counts calls by user, card, ID number and tenant, over all replicas. */
export interface Velocity {
  /**
   * Counts a call in every counter. If one is full, counts it in none. Throws `StoreUnavailable` if the
   * counters cannot be reached.
   */
  readonly spend: (counters: readonly VelocityCounter[]) => Promise<VelocitySpent>;
}
