import {
  bankCardElements,
  normaliseCardNumber,
  normalisePhone,
  type BankCardElement,
  type BankCardVariant,
  type FieldProblem,
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
  KeySpace,
  Providers,
  RecordDeps,
  Storage,
  Telemetry,
  Tenancy,
} from '../core-deps.ts';
import { nullIfUnavailable } from '../null-if-unavailable.ts';
import { beforeClaimWasRead, failed, problem, type Failed } from '../problem.ts';
import { newRecordId, personalLifeOfCheckMs, type BankCardRecord } from '../records/records.ts';
import { offerOf } from '../tenants/offer-of.ts';
import { claimEffectOf } from '../upstream/claim-effect.ts';
import { pickBankCardProvider, problemOfPicked, wrongFields } from '../upstream/pick-provider.ts';
import { prepareInput } from '../upstream/prepare-input.ts';
import type { RegisteredProvider } from '../upstream/registry.ts';
import { bankCardCache } from './bank-card-cache.ts';
import { checkedElements, findElementProblems, findVariant } from './checked-elements.ts';
import { performCheck, type PreparedCheck } from './perform-check.ts';
import { readBankCardChecks } from './read-bank-card-checks.ts';

export interface CheckBankCardInput {
  readonly idempotencyKey: string;
  readonly userId?: string | null;
  readonly provider?: string | null;
  readonly subject?: { readonly name?: string | null; readonly idNumber?: string | null } | null;
  readonly cardNumber: string;
  readonly phone?: string | null;
  /** By default all that was given. */
  readonly elements?: readonly BankCardElement[] | null;
  readonly certType?: number | null;
  readonly maxAgeSeconds?: number | null;
  readonly consentRef?: string | null;
  readonly account?: string | null;
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
  const ready = prepare(deps, caller, input, emptyFields(given));
  if (ready.kind === 'problem') return ready;

  const { provider, variant, prepared } = ready;
  // What is checked is what was given, so `elements` says nothing more.
  const { elements: _implied, ...claimed } = input;
  const effect = claimEffectOf(provider.definition, variant.action);
  const owner = { tenantId: caller.tenantId, userId: resolveUserId(caller, input.userId) };
  const cache = bankCardCache(deps, provider, owner, input);
  const placeholder: BankCardRecord = {
    kind: 'bank_card',
    id: newRecordId('bank_card', deps.randomBytes),
    ...owner,
    callerId: caller.userId,
    providerId: provider.definition.id,
    account: provider.accountName,
    sandbox: deps.sandbox,
    createdAtMs: deps.now(),
    personalUntilMs: deps.now() + personalLifeOfCheckMs(deps.tenants.rulesOf(owner.tenantId)),
    checkedAtMs: null,
    result: null,
    checkedElements: checkedElements(input),
    sourceCheckId: null,
    calls: '',
    consentRef: input.consentRef,
    redactedAtMs: null,
    cacheKeys: cache.keys,
  };
  const { action } = variant;
  const check: PreparedCheck = {
    ...{ provider, action, prepared, effect, input, cache, placeholder, isLate },
    recalled: null,
  };
  const outcome = await runClaimed<BankCardRecord>(deps, {
    operation: 'checkBankCard',
    ...claimNames(deps, caller, 'checkBankCard', claimed),
    placeholder,
    deadlineMs,
    effect,
    first: {
      ...{ providerId: placeholder.providerId, account: placeholder.account },
      effect,
      action,
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
    phone: emptyToNull(normalisePhone(given.phone ?? '')),
    elements: given.elements
      ? bankCardElements.filter((each) => given.elements?.includes(each))
      : null,
    certType: given.certType ?? 0,
    maxAgeSeconds: given.maxAgeSeconds ?? null,
    consentRef: emptyToNull(given.consentRef ?? ''),
    account: given.account ?? null,
  };
}

interface Ready {
  readonly kind: 'prepared';
  readonly provider: RegisteredProvider;
  readonly variant: BankCardVariant<unknown>;
  readonly prepared: PreparedCheck['prepared'];
}

/** Picks the provider and lets its plugin prepare the input. */
function prepare(
  deps: Clock & Telemetry & Providers & KeySpace & Tenancy,
  caller: Caller,
  input: ReturnType<typeof normalise>,
  empty: readonly FieldProblem[],
): Ready | Failed {
  const elements = input.elements ?? checkedElements(input);
  const offer = offerOf(deps, {
    ...{ tenantId: caller.tenantId, userId: input.userId ?? caller.userId },
    ...{ account: input.account, provider: input.provider },
    uses: (definition) => [findVariant(definition, elements)?.action ?? []].flat(),
  });
  const picked =
    'path' in offer ? wrongFields([offer]) : pickBankCardProvider(offer, input.provider, elements);
  const ownProblems = [
    ...checkCommonInput(input, deps.tenants.rulesOf(caller.tenantId)),
    ...empty,
    ...findElementProblems(input),
    ...(input.maxAgeSeconds !== null && input.maxAgeSeconds < 0
      ? [{ path: 'maxAgeSeconds', message: 'must not be negative' }]
      : []),
  ];
  if (picked.kind !== 'picked') return failed(problemOfPicked(picked, ownProblems));
  const provider = picked.picked;
  const variant = findVariant(provider.definition, elements);
  if (!variant) throw new Error(`${provider.definition.id} does not check these elements`);
  const ready = prepareInput(deps, provider, ownProblems, (context) =>
    variant.prepare(input, context),
  );
  return ready.kind === 'problem' ? ready : { ...ready, provider, variant };
}

/** An empty text is a mistake: counted as missing, it would make a check of fewer elements. */
function emptyFields({ subject, phone }: CheckBankCardInput): readonly FieldProblem[] {
  const given = { 'subject.name': subject?.name, 'subject.idNumber': subject?.idNumber, phone };
  return Object.entries(given)
    .filter(([, text]) => typeof text === 'string' && text.trim() === '')
    .map(([path]) => ({ path, message: 'must not be empty' }));
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
