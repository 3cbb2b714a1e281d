import {
  bankCardOutcomes,
  sanitizeCode,
  type BankCardResult,
  type PreparedBankCardCheck,
} from '../../contract/index.ts';
import { spendVelocity } from '../callers/spend-velocity.ts';
import { singleFlight } from '../claims/single-flight.ts';
import { provesNothingDone } from '../claims/to-failure.ts';
import { tooLateToBegin } from '../claims/too-late-to-begin.ts';
import type {
  CallDeps,
  CallerLimits,
  InFlight,
  KeySpace,
  RecordDeps,
  Telemetry,
  Tenancy,
} from '../core-deps.ts';
import { addCalls, type RecordedCall } from '../records/recorded-call.ts';
import type { BankCardRecord } from '../records/records.ts';
import type { CallTerms } from '../upstream/call-terms.ts';
import type { ClaimEffect } from '../upstream/claim-effect.ts';
import { countCharges } from '../upstream/count-charges.ts';
import { performOperation } from '../upstream/perform-operation.ts';
import { quotaOf, type RegisteredProvider } from '../upstream/registry.ts';
import type { bankCardCache } from './bank-card-cache.ts';

/** A check that its provider has prepared. */
export interface PreparedCheck {
  readonly provider: RegisteredProvider;
  readonly action: string;
  readonly prepared: Exclude<PreparedBankCardCheck<unknown>, { readonly problems: unknown }>;
  readonly effect: ClaimEffect;
  readonly input: {
    readonly subject: { readonly idNumber: string | null };
    readonly cardNumber: string;
    readonly maxAgeSeconds: number | null;
  };
  readonly cache: ReturnType<typeof bankCardCache>;
  readonly placeholder: BankCardRecord;
  readonly isLate: boolean;
  /** The look into the cache that went along with the claim. */
  recalled: Promise<BankCardRecord | null> | null;
}

/**
 * The record of a check: an earlier result of the same user that is young enough, the result of an equal
 * check that is under way, or a new call. Throws what `performOperation` and `singleFlight` throw.
 */
export function performCheck(
  deps: RecordDeps & CallDeps & CallerLimits & InFlight,
  terms: CallTerms,
  check: PreparedCheck,
): Promise<BankCardRecord> {
  const { input, cache, placeholder } = check;
  if (input.maxAgeSeconds === 0) return callAndCache(deps, terms, check);
  return singleFlight(deps, terms, {
    keys: cache.keys,
    recall: () => cache.find(input.maxAgeSeconds),
    recalled: check.recalled ?? undefined,
    adopt: (earlier) => fromEarlier(placeholder, earlier),
    ask: (leaderTerms) => callProviderToCheck(deps, leaderTerms, check),
    remember: cache.put,
  });
}

async function callAndCache(
  deps: CallDeps & KeySpace & CallerLimits & Tenancy,
  terms: CallTerms,
  check: PreparedCheck,
): Promise<BankCardRecord> {
  const record = await callProviderToCheck(deps, terms, check);
  // The check was paid for, so the caller gets its result even if it cannot be cached.
  await check.cache.put(record).catch(() => {});
  return record;
}

async function callProviderToCheck(
  deps: CallDeps & KeySpace & CallerLimits & Tenancy,
  terms: CallTerms,
  { provider, action, prepared, effect, input, placeholder, isLate }: PreparedCheck,
): Promise<BankCardRecord> {
  if (isLate) throw tooLateToBegin();
  const refund = await spendVelocity(deps, {
    owner: placeholder,
    idNumber: input.subject.idNumber,
    cardNumber: input.cardNumber,
    mayCharge: effect === 'may_charge',
    quota: quotaOf(provider, action),
  });
  const calls: RecordedCall[] = [];
  let billed: readonly RecordedCall[] = calls;
  let failure: unknown = null;
  const noted = {
    ...{ ...terms, recordId: placeholder.id },
    onCall: (made: RecordedCall) => calls.push(made),
  };
  try {
    const result = await performOperation(deps, provider, noted, {
      name: `${placeholder.providerId} bank card check`,
      effect,
      work: (call) => prepared.check(call),
    });
    warnOfUnknownCode(deps, placeholder.providerId, result);
    const known = toKnownOutcome(result);
    billed = withBilling(calls, action, result);
    const { outcome, reason } = known;
    deps.metrics.cardChecked({ provider: placeholder.providerId, outcome, reason });
    return {
      ...placeholder,
      result: known,
      checkedAtMs: deps.now(),
      calls: addCalls('', billed),
    };
  } catch (error) {
    failure = error;
    if (provesNothingDone(error)) await refund();
    throw error;
  } finally {
    const { tenantId: tenant } = placeholder;
    const ended = { tenant, action, calls: billed, error: failure, nowMs: deps.now() };
    countCharges(deps, terms, provider, ended);
  }
}

/** The result says whether its own call was charged. */
function withBilling(
  calls: readonly RecordedCall[],
  action: string,
  { billing }: BankCardResult,
): readonly RecordedCall[] {
  const at = calls.findLastIndex((call) => call.action === action && call.outcome === 'ok');
  return calls.map((call, place) => (place === at ? { ...call, billing } : call));
}

/** A new check with the result of an earlier one. Nothing is charged for it. */
function fromEarlier(
  placeholder: BankCardRecord,
  { id, result, checkedAtMs, sourceCheckId }: BankCardRecord,
): BankCardRecord {
  return {
    ...placeholder,
    checkedAtMs,
    result: result && { ...result, billing: 'NOT_CHARGED' },
    sourceCheckId: sourceCheckId ?? id,
  };
}

/** A plugin in JavaScript may return any outcome. One that the contract does not list is UNDETERMINED. */
function toKnownOutcome(result: BankCardResult): BankCardResult {
  const outcome = bankCardOutcomes.includes(result.outcome) ? result.outcome : 'UNDETERMINED';
  return {
    ...result,
    outcome,
    code: result.code === null ? null : sanitizeCode(result.code),
    possibleAgainAtMs: result.possibleAgainAtMs ?? null,
  };
}

function warnOfUnknownCode(
  { log }: Pick<Telemetry, 'log'>,
  provider: string,
  { outcome, code }: BankCardResult,
): void {
  if (outcome !== 'UNDETERMINED') return;
  log.event('warn', 'outcome_unknown_code', { provider, code: sanitizeCode(code ?? '') });
}
