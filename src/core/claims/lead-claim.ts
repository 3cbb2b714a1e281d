import { ProviderFault } from '../../contract/index.ts';
import { LimiterRefusal, type LimiterTenant } from '../../ports/index.ts';
import type { CallerLimits, Storage, Telemetry, Tenancy } from '../core-deps.ts';
import type { LedgerDeps } from '../ledger/ledger-entries.ts';
import { tellCharges, type ChargeTeller } from '../ledger/tell-charges.ts';
import { logBug } from '../log-bug.ts';
import type { Problem } from '../problem.ts';
import type { AnyRecord } from '../records/records.ts';
import type { ClaimEffect } from '../upstream/claim-effect.ts';
import { workTimeoutMs } from '../upstream/call-terms.ts';
import { faultPolicies } from '../upstream/fault-policy.ts';
import type { ClaimedAttempt, HeldClaim, LedClaim, LedOutcome, LedWork } from './claimed-work.ts';
import { settleAnswer, settleFailure } from './settle-claim.ts';
import { startClaim, type ClaimProgress, type ClaimSending } from './start-claim.ts';

/** While fallbacks remain: how long to wait for a slot, and for the response to a free start. */
const turnBeforeOthersMs = 1000;
const answerBeforeOthersMs = 3000;
/** The time that a fallback needs at least for its response. */
const fallbackAnswerMs = 3500;

/** Problems after which the next provider of a route is called. `PROVIDER_REJECTED` would recur there. */
const passedOver: readonly Problem['code'][] = [
  'PROVIDER_UNAVAILABLE',
  'RATE_LIMITED',
  'PROVIDER_QUOTA_EXHAUSTED',
];

/**
 * Calls the provider under a claim that was won, and settles the claim. `settle-claim.ts` decides whether
 * the key becomes free again: only if it is proven that nothing chargeable was done.
 */
export async function leadClaim<Answer extends AnyRecord>(
  deps: LedgerDeps & Telemetry & Storage & Tenancy & Pick<CallerLimits, 'refusalsTold'>,
  work: LedWork<Answer>,
  held: LedClaim,
): Promise<LedOutcome<Answer>> {
  const deadlineMs = deps.now() + workTimeoutMs;
  const fallbacks = work.fallbacks ?? [];
  const progress: ClaimProgress = { started: false, stored: held.placeholder };
  const charges = tellCharges(deps, work.placeholder);
  const { id: recordId, tenantId } = work.placeholder;
  const tenant = { id: tenantId, weight: deps.tenants.rulesOf(tenantId).weight };
  const sending = { recordId, deadlineMs, progress, charges, tenant };
  let attempt = work.first;
  for (let next = 0; ;) {
    const place = { isFallback: next > 0, isLast: next === fallbacks.length };
    const ended = await perform(deps, held, attempt, sending, place);
    const { effect, providerId, account, action } = attempt;
    const made = { effect, providerId, account, action, entries: charges.end(), ...progress };
    if ('answer' in ended) return settleAnswer(deps, work, attempt, made, held, ended.answer);

    let other: ClaimedAttempt<Answer> | null = null;
    if (mayPassOver(effect, ended.error)) {
      for (; !other && next < fallbacks.length; next++)
        other = prepare(deps, work, fallbacks[next]);
    }
    const isInTime = deps.now() + fallbackAnswerMs < deadlineMs;
    if (!other || !isInTime) return settleFailure(deps, work, made, held, ended.error);
    charges.passOver();
    attempt = other;
  }
}

async function perform<Answer extends AnyRecord>(
  deps: LedgerDeps & Storage,
  held: HeldClaim,
  { effect, providerId, account, action, perform: call }: ClaimedAttempt<Answer>,
  {
    charges,
    tenant,
    ...sending
  }: Omit<ClaimSending, 'entriesToBegin'> & {
    readonly charges: ChargeTeller;
    readonly tenant: LimiterTenant;
  },
  { isFallback, isLast }: { readonly isFallback: boolean; readonly isLast: boolean },
): Promise<{ readonly answer: Answer } | { readonly error: unknown }> {
  try {
    const answer = await call({
      priority: 'start',
      tenant,
      deadlineMs: sending.deadlineMs,
      turnByMs: isLast ? undefined : deps.now() + turnBeforeOthersMs,
      answerWithinMs: isLast || effect === 'may_charge' ? undefined : answerBeforeOthersMs,
      keptForAnswerMs: isFallback ? fallbackAnswerMs : undefined,
      beforeSend: [
        async (called) => {
          if (called !== effect) return;
          const entriesToBegin = () =>
            effect === 'may_charge' ? charges.begin({ providerId, account, action }) : [];
          await startClaim(deps, held, { ...sending, entriesToBegin });
        },
      ],
      onCharge: charges.charged,
    });
    return { answer };
  } catch (error) {
    return { error };
  }
}

/** Null if the fallback cannot do this work, or its plugin throws. */
function prepare<Answer extends AnyRecord>(
  { log }: Pick<Telemetry, 'log'>,
  { operation }: LedWork<Answer>,
  fallback: (() => ClaimedAttempt<Answer> | null) | undefined,
): ClaimedAttempt<Answer> | null {
  try {
    return fallback?.() ?? null;
  } catch (error) {
    logBug(log, operation, error);
    return null;
  }
}

/** True if the provider is down, throttled or out of units, and certainly did nothing chargeable. */
function mayPassOver(effect: ClaimEffect, error: unknown): boolean {
  // The other limits are the caller's own, so they hold at every provider.
  if (error instanceof LimiterRefusal) {
    return error.reason === 'no_slot_in_time' || error.reason === 'overloaded';
  }
  if (!(error instanceof ProviderFault)) return false;
  const policy = faultPolicies[effect][error.kind];
  return policy.claim === 'release' && passedOver.includes(policy.problem);
}
