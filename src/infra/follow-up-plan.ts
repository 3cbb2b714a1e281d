import type { FollowUps } from '../ports/index.ts';

/** Performs a follow-up. Resolves to the time of the next one; null if there is none. */
export type FollowUp = (id: string) => Promise<number | null>;

export interface FollowUpPlan extends FollowUps {
  /** Starts performing follow-ups. If `visit` throws, it is repeated later. */
  readonly begin: (visit: FollowUp) => void;
  /** How many are planned, and how many are late by more than a minute. Throws `StoreUnavailable`. */
  readonly counts: () => Promise<{ readonly planned: number; readonly late: number }>;
  readonly close: () => Promise<void>;
}
