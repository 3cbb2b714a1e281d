import type { VelocityRule } from '../../ports/index.ts';

/** Velocity limits of callers. Null: no limit. */
export interface VelocityRules {
  /** Starts and checks of one user. */
  readonly user: VelocityRule | null;
  /** Checks of one card, for all callers together: a check tells a thief which data match the card. */
  readonly card: VelocityRule | null;
  /** Starts and checks about one ID number. */
  readonly idNumber: VelocityRule | null;
  /** Chargeable calls of one tenant, in a day. */
  readonly tenantDaily: VelocityRule | null;
  /** How much of a provider's quota one tenant may use, 0 to 1. */
  readonly tenantShare: number | null;
}
