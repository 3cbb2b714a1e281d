import {
  LimiterRefusal,
  type LimiterReason,
  type VelocityCounter,
  type VelocityName,
  type VelocityRule,
} from '../../ports/index.ts';
import type { Owner } from './caller.ts';
import { modeOf, type CallerLimits, type KeySpace, type Tenancy } from '../core-deps.ts';
import { keyedHashes } from '../records/keyed-hash.ts';

/** What a call counts against. */
export interface Spending {
  readonly owner: Pick<Owner, 'tenantId' | 'userId'>;
  readonly idNumber: string | null;
  readonly cardNumber?: string | undefined;
  readonly mayCharge: boolean;
  /** The quota that the call uses. */
  readonly quota: { readonly key: string; readonly perSecond: number };
}

// The three rules of callers have one reason: which of them is full says something about other people's calls.
const reasons = {
  tenant: 'tenant_daily',
  share: 'tenant_share',
  user: 'velocity',
  card: 'velocity',
  id: 'velocity',
} as const satisfies Record<VelocityName, LimiterReason>;

/**
 * Counts a call against all velocity limits before anything is sent. A call that one limit refuses counts
 * against none. Throws `LimiterRefusal`, and `StoreUnavailable` if the call cannot be counted.
 *
 * Resolves to a function that refunds the call, for a call that did nothing. That function never throws.
 */
export async function spendVelocity(
  { velocity, tenants, hashKeys, sandbox }: KeySpace & CallerLimits & Tenancy,
  { owner, idNumber, cardNumber, mayCharge, quota }: Spending,
): Promise<() => Promise<void>> {
  const { tenantId, userId } = owner;
  const { velocity: rules } = tenants.rulesOf(tenantId);
  const countersOf = (
    name: VelocityName,
    rule: VelocityRule | null,
    parts: readonly string[],
  ): readonly VelocityCounter[] =>
    rule === null
      ? []
      : keyedHashes(hashKeys, 'velocity', [modeOf({ sandbox }), name, ...parts]).map((key) => ({
          ...{ name, key, rule },
        }));
  const share: VelocityRule | null =
    rules.tenantShare === null
      ? null
      : { most: Math.max(1, Math.floor(quota.perSecond * rules.tenantShare)), seconds: 1 };

  const counters = [
    ...countersOf('tenant', mayCharge ? rules.tenantDaily : null, [tenantId]),
    ...countersOf('share', share, [tenantId, quota.key]),
    ...countersOf('user', rules.user, [tenantId, userId]),
    // Counted across tenants: a thief can use a stolen card or ID number at any of them.
    ...(cardNumber === undefined ? [] : countersOf('card', rules.card, [cardNumber])),
    ...(idNumber === null ? [] : countersOf('id', rules.idNumber, [idNumber])),
  ];
  const spent = await velocity.spend(counters);
  if (spent.kind === 'refused') throw new LimiterRefusal(reasons[spent.by], spent.retryAfterMs);
  return () => spent.refund().catch(() => {});
}
