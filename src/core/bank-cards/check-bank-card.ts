import {
  normaliseCardNumber,
  normalisePhone,
  type BankCardDefinition,
} from '../../contract/index.ts';
import { demandScope, resolveUserId, type Caller } from '../callers/caller.ts';
import { checkCommonInput } from '../callers/check-common-input.ts';
import { emptyToNull, normaliseSubject } from '../callers/normalise-subject.ts';
import { claimNames } from '../claims/claim-names.ts';
import { runClaimed, type ClaimedOutcome } from '../claims/run-claimed.ts';
import type { Lateness } from '../claims/too-late-to-begin.ts';
import type {
  CallDeps,
  CallerLimits,
  Clock,
  InFlight,
  Providers,
  RecordDeps,
  Storage,
  Telemetry,
} from '../core-deps.ts';
import { nullIfUnavailable } from '../null-if-unavailable.ts';
import { beforeClaimWasRead, failed, problem, type Failed } from '../problem.ts';
import { newRecordId, personalLifeOfCheckMs, type BankCardRecord } from '../records/records.ts';
import { claimEffectOf } from '../upstream/claim-effect.ts';
import { pickBankCardProvider, problemOfPicked } from '../upstream/pick-provider.ts';
import { prepareInput } from '../upstream/prepare-input.ts';
import type { RegisteredProvider } from '../upstream/registry.ts';
import { bankCardCache } from './bank-card-cache.ts';
import { performCheck, type PreparedCheck } from './perform-check.ts';
import { readBankCardChecks } from './read-bank-card-checks.ts';

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
  | Failed;

/** Checks a bank card. It is charged at most once per idempotency key. Throws `AccessDenied`. */
export async function checkBankCard(
  deps: RecordDeps & CallDeps & Providers & CallerLimits & InFlight,
  caller: Caller,
  given: CheckBankCardInput,
  deadlineMs: number,
  { isLate = false }: Lateness = {},
): Promise<CheckBankCardOutcome> {
  demandScope(caller, 'bankcard:check');
  const input = normalise(given);
  const ready = prepare(deps, input);
  if (ready.kind === 'problem') return ready;

  const { provider, bankCard, prepared } = ready;
  const effect = claimEffectOf(provider.definition, bankCard.action);
  const owner = { tenantId: caller.tenantId, userId: resolveUserId(caller, input.userId) };
  const cache = bankCardCache(deps, provider, owner, input);
  const placeholder: BankCardRecord = {
    kind: 'bank_card',
    id: newRecordId('bank_card', deps.randomBytes),
    ...owner,
    callerId: caller.userId,
    providerId: provider.definition.id,
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
  const { action } = bankCard;
  const check: PreparedCheck = {
    ...{ provider, action, prepared, effect, input, cache, placeholder, isLate },
    recalled: null,
  };
  const outcome = await runClaimed<BankCardRecord>(deps, {
    operation: 'checkBankCard',
    ...claimNames(deps, caller, 'checkBankCard', input),
    placeholder,
    deadlineMs,
    effect,
    first: {
      providerId: placeholder.providerId,
      effect,
      perform: (terms) => performCheck(deps, terms, check),
      prefetch: () => {
        if (input.maxAgeSeconds === 0) return;
        check.recalled = cache.find(input.maxAgeSeconds);
        check.recalled.catch(() => {});
      },
    },
    // The check was paid for, so the caller gets its result even if it cannot be stored.
    handOutUnkept: true,
  });
  return toCheckOutcome(deps, caller, placeholder, outcome);
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

interface Ready {
  readonly kind: 'prepared';
  readonly provider: RegisteredProvider;
  readonly bankCard: BankCardDefinition<unknown>;
  readonly prepared: PreparedCheck['prepared'];
}

/** Picks the provider and lets its plugin prepare the input. */
function prepare(
  deps: Clock & Telemetry & Providers,
  input: ReturnType<typeof normalise>,
): Ready | Failed {
  const picked = pickBankCardProvider(deps.registry, input.provider);
  const ownProblems = [
    ...checkCommonInput(input),
    ...(input.maxAgeSeconds !== null && input.maxAgeSeconds < 0
      ? [{ path: 'maxAgeSeconds', message: 'must not be negative' }]
      : []),
  ];
  if (picked.kind !== 'picked') return failed(problemOfPicked(picked, ownProblems));
  const provider = picked.picked;
  const { id, bankCard } = provider.definition;
  if (!bankCard) throw new Error(`${id} offers no bank card checks`);
  const ready = prepareInput(deps, provider, ownProblems, (context) =>
    bankCard.prepare(input, context),
  );
  return ready.kind === 'problem' ? ready : { ...ready, provider, bankCard };
}

async function toCheckOutcome(
  deps: Pick<Storage, 'store'>,
  caller: Caller,
  placeholder: BankCardRecord,
  outcome: ClaimedOutcome<BankCardRecord>,
): Promise<CheckBankCardOutcome> {
  if (outcome.kind === 'problem') return outcome;
  const replayed = outcome.recordId !== placeholder.id;
  const isAtHand = outcome.kind === 'answered';
  const check = isAtHand ? outcome.answer : await readReplayed(deps, caller, outcome.recordId);
  if (!check) {
    // The key was used, but its check cannot be read now.
    return failed(beforeClaimWasRead(problem('STORE_UNAVAILABLE')));
  }
  return {
    kind: 'success',
    check,
    replayed,
    cached: check.sourceCheckId !== null,
    stored: isAtHand ? outcome.stored : true,
  };
}

/** Null if it cannot be read now. */
async function readReplayed(
  deps: Pick<Storage, 'store'>,
  caller: Caller,
  id: string,
): Promise<BankCardRecord | null> {
  const read = await nullIfUnavailable(readBankCardChecks(deps, caller, [id]));
  const check = read?.[0] ?? null;
  return check instanceof Error ? null : check;
}
