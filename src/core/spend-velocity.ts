import { LimiterRefusal, type VelocityRule } from '../contract/index.ts';
import type { Owner } from './caller.ts';
import { modeOf, type CoreDeps } from './core-deps.ts';
import { keyedHashes } from './keyed-hash.ts';

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

/** Whom and what a call is about. */
export interface Spending {
  readonly owner: Pick<Owner, 'tenantId' | 'userId'>;
  readonly idNumber: string | null;
  readonly cardNumber?: string | undefined;
  readonly mayCharge: boolean;
  /** The quota that the call uses. */
  readonly quota: { readonly key: string; readonly perSecond: number };
}

/**
 * Counts a call against everything that limits callers, before anything is sent. Throws
 * `LimiterRefusal('over_velocity')`, and `StoreUnavailable` when nobody can count.
 *
 * Resolves to what gives the daily share of the tenant back, for a call that was not made.
 */
export async function spendVelocity(
  { velocity, velocityRules: rules, hashKeys, sandbox }: CoreDeps,
  { owner, idNumber, cardNumber, mayCharge, quota }: Spending,
): Promise<() => Promise<void>> {
  const { tenantId, userId } = owner;
  const keysOf = (name: string, ...parts: readonly string[]): readonly string[] =>
    keyedHashes(hashKeys, 'velocity', [modeOf({ sandbox }), name, ...parts]);
  const share: VelocityRule | null =
    rules.tenantShare === null
      ? null
      : { most: Math.max(1, Math.floor(quota.perSecond * rules.tenantShare)), seconds: 1 };

  const counters: readonly (readonly [string, VelocityRule | null, readonly string[]])[] = [
    ['share', share, keysOf('share', tenantId, quota.key)],
    ['user', rules.user, keysOf('user', tenantId, userId)],
    // Across tenants: a stolen card or number is the same everywhere.
    ['card', rules.card, cardNumber === undefined ? [] : keysOf('card', cardNumber)],
    ['id', rules.idNumber, idNumber === null ? [] : keysOf('id', idNumber)],
    ['tenant', mayCharge ? rules.tenantDaily : null, keysOf('tenant', tenantId)],
  ];
  for (const [name, rule, keys] of counters) {
    for (const key of rule ? keys : []) {
      const retryAfterMs = rule && (await velocity.spend(name, key, rule));
      if (retryAfterMs !== null) throw new LimiterRefusal('over_velocity', retryAfterMs);
    }
  }
  return async () => {
    const { tenantDaily } = rules;
    if (!mayCharge || !tenantDaily) return;
    for (const key of keysOf('tenant', tenantId)) {
      await velocity.giveBack('tenant', key, tenantDaily).catch(() => {});
    }
  };
}
