import {
  bankCardOutcomes,
  normaliseCardNumber,
  normalisePhone,
  sanitizeCode,
  type BankCardResult,
} from '../../contract/index.ts';
import { bankCardCache } from './bank-card-cache.ts';
import type { CallTerms } from '../upstream/call-provider.ts';
import { demandScope, resolveUserId, type Caller } from '../callers/caller.ts';
import { checkCommonInput } from '../callers/check-common-input.ts';
import { claimEffectOf } from '../upstream/claim-effect.ts';
import { claimNames } from '../claims/claim-names.ts';
import type { CoreDeps } from '../core-deps.ts';
import { emptyToNull, normaliseSubject } from '../callers/normalise-subject.ts';
import { nullIfUnavailable } from '../null-if-unavailable.ts';
import { performOperation } from '../upstream/perform-operation.ts';
import { pickBankCardProvider, problemOfPicked } from '../upstream/pick-provider.ts';
import { prepareInput } from '../upstream/prepare-input.ts';
import { beforeClaimWasRead, problem, type Problem } from '../problem.ts';
import { readBankCardChecks } from './read-bank-card-checks.ts';
import { newRecordId, personalLifeOfCheckMs, type BankCardRecord } from '../records/records.ts';
import { runClaimed } from '../claims/run-claimed.ts';
import { quotaOf } from '../upstream/registry.ts';
import { provesNothingDone, singleFlight } from '../claims/single-flight.ts';
import { spendVelocity } from '../callers/spend-velocity.ts';
import { tooLateToBegin, type Lateness } from '../claims/too-late-to-begin.ts';

export interface CheckBankCardInput {
  readonly idempotencyKey: string;
  readonly userId?: string | null;
  readonly provider?: string | null;
  readonly subject?: { readonly name?: string | null; readonly idNumber?: string | null } | null;
  readonly cardNumber: string;
  readonly phone: string;
  readonly certType?: number | null;
  readonly maxAgeSeconds?: number | null;
  readonly consentRef?: string | null;
}

export type CheckBankCardOutcome =
  | {
      readonly kind: 'success';
      readonly check: BankCardRecord;
      readonly replayed: boolean;
      readonly cached: boolean;
      readonly stored: boolean;
    }
  | { readonly kind: 'problem'; readonly problem: Problem };

/** Checks a bank card, paid at most once per key. Throws `AccessDenied`. */
export async function checkBankCard(
  deps: CoreDeps,
  caller: Caller,
  given: CheckBankCardInput,
  deadlineMs: number,
  { isLate = false }: Lateness = {},
): Promise<CheckBankCardOutcome> {
  demandScope(caller, 'bankcard:check');
  const input = normalise(given);

  const picked = pickBankCardProvider(deps.registry, input.provider);
  const ownProblems = [
    ...checkCommonInput(input),
    ...(input.maxAgeSeconds !== null && input.maxAgeSeconds < 0
      ? [{ path: 'maxAgeSeconds', message: 'must not be negative' }]
      : []),
  ];
  if (!('picked' in picked)) {
    return { kind: 'problem', problem: problemOfPicked(picked, ownProblems) };
  }

  const provider = picked.picked;
  const { id: providerId, bankCard } = provider.definition;
  if (!bankCard) throw new Error(`${providerId} offers no bank card checks`);
  const ready = prepareInput(deps, provider, ownProblems, (context) =>
    bankCard.prepare(input, context),
  );
  if ('problem' in ready) return { kind: 'problem', problem: ready.problem };

  const userId = resolveUserId(caller, input.userId);
  const owner = { tenantId: caller.tenantId, userId };
  const cache = bankCardCache(deps, provider, owner, input);
  const placeholder: BankCardRecord = {
    kind: 'bank_card',
    id: newRecordId('bank_card', deps.randomBytes),
    ...owner,
    callerId: caller.userId,
    providerId,
    sandbox: deps.sandbox,
    createdAtMs: deps.now(),
    personalUntilMs: deps.now() + personalLifeOfCheckMs(deps),
    checkedAtMs: null,
    result: null,
    sourceCheckId: null,
    consentRef: input.consentRef,
    redactedAtMs: null,
    cacheKeys: cache.keys,
  };

  const effect = claimEffectOf(provider.definition, bankCard.action);
  const askAfresh = async (terms: CallTerms): Promise<BankCardRecord> => {
    if (isLate) throw tooLateToBegin();
    const refund = await spendVelocity(deps, {
      owner: placeholder,
      idNumber: input.subject.idNumber,
      cardNumber: input.cardNumber,
      mayCharge: effect === 'may_charge',
      quota: quotaOf(provider, bankCard.action),
    });
    try {
      const result = await performOperation(deps, provider, terms, {
        name: `${providerId} bank card check`,
        effect,
        work: (call) => ready.prepared.check(call),
      });
      warnOfUnknownCode(deps, providerId, result);
      return { ...placeholder, result: inPlainWords(result), checkedAtMs: deps.now() };
    } catch (error) {
      if (provesNothingDone(error)) await refund();
      throw error;
    }
  };
  const askAndRemember = async (terms: CallTerms): Promise<BankCardRecord> => {
    const check = await askAfresh(terms);
    // It was paid for: the caller shall have it, kept for later or not.
    await cache.put(check).catch(() => {});
    return check;
  };
  const outcome = await runClaimed<BankCardRecord>(deps, {
    operation: 'checkBankCard',
    ...claimNames(deps, caller, 'checkBankCard', input),
    placeholder,
    deadlineMs,
    effect,
    first: {
      providerId,
      effect,
      perform: (terms) =>
        input.maxAgeSeconds === 0
          ? askAndRemember(terms)
          : singleFlight(deps, terms, {
              keys: cache.keys,
              recall: () => cache.find(input.maxAgeSeconds),
              adopt: (earlier) => answeredBy(placeholder, earlier),
              ask: askAfresh,
              remember: cache.put,
            }),
    },
    fill: (check) => check,
    // It was paid for: the caller shall have it.
    handOutUnkept: true,
  });

  if (outcome.kind === 'problem') return outcome;
  const replayed = outcome.recordId !== placeholder.id;
  if (outcome.kind === 'answered') {
    const { answer: check, stored } = outcome;
    return { kind: 'success', check, replayed, cached: check.sourceCheckId !== null, stored };
  }
  const check = await readReplayed(deps, caller, outcome.recordId);
  if (!check) {
    // The key was used, and what for cannot be read now.
    return { kind: 'problem', problem: beforeClaimWasRead(problem('STORE_UNAVAILABLE')) };
  }
  const cached = check.sourceCheckId !== null;
  return { kind: 'success', check, replayed, cached, stored: true };
}

/** Null when it cannot be read now. */
async function readReplayed(
  deps: CoreDeps,
  caller: Caller,
  id: string,
): Promise<BankCardRecord | null> {
  const read = await nullIfUnavailable(readBankCardChecks(deps, caller, [id]));
  const check = read?.[0] ?? null;
  return check instanceof Error ? null : check;
}

function normalise(given: CheckBankCardInput) {
  return {
    idempotencyKey: given.idempotencyKey,
    userId: given.userId ?? null,
    provider: given.provider ?? null,
    subject: normaliseSubject(given.subject),
    cardNumber: normaliseCardNumber(given.cardNumber),
    phone: normalisePhone(given.phone),
    certType: given.certType ?? 0,
    maxAgeSeconds: given.maxAgeSeconds ?? null,
    consentRef: emptyToNull(given.consentRef ?? ''),
  };
}

/** A check of its own, with the answer of an earlier one: nothing was charged for it. */
function answeredBy(
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

/** A plugin in JavaScript may say anything; only what is a word of ours counts. */
function inPlainWords(result: BankCardResult): BankCardResult {
  const outcome = bankCardOutcomes.includes(result.outcome) ? result.outcome : 'UNDETERMINED';
  return { ...result, outcome, code: result.code === null ? null : sanitizeCode(result.code) };
}

function warnOfUnknownCode(deps: CoreDeps, providerId: string, result: BankCardResult): void {
  if (result.outcome !== 'UNDETERMINED') return;
  deps.log.event('warn', 'outcome_unknown_code', {
    provider: providerId,
    code: sanitizeCode(result.code ?? ''),
  });
}
