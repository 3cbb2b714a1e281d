import type { VelocityRule } from '../../ports/index.ts';

/** What callers may do at most; null: no limit. */
export interface VelocityRules {
  /** Starts and checks of one user. */
  readonly user: VelocityRule | null;
  /** Checks of one card, whoever asks: a check is an oracle for who stole it. */
  readonly card: VelocityRule | null;
  /** Starts and checks about one ID number. */
  readonly idNumber: VelocityRule | null;
  /** Calls of one tenant that may be charged, in a day. */
  readonly tenantDaily: VelocityRule | null;
  /** How much of a provider's quota one tenant may use, 0 to 1. */
  readonly tenantShare: number | null;
}
