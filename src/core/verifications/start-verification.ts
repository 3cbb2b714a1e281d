import type { FieldProblem, IdentityLevel } from '../../contract/index.ts';
import { demandScope, resolveUserId, type Caller } from '../callers/caller.ts';
import { checkCommonInput } from '../callers/check-common-input.ts';
import { emptyToNull, normaliseSubject } from '../callers/normalise-subject.ts';
import { claimNames } from '../claims/claim-names.ts';
import { runClaimed, type ClaimedOutcome } from '../claims/run-claimed.ts';
import type { Lateness } from '../claims/too-late-to-begin.ts';
import type {
  CallerLimits,
  Clock,
  KeySpace,
  OutcomeDeps,
  Providers,
  Random,
  Telemetry,
  Tenancy,
  Urls,
} from '../core-deps.ts';
import { toSubjectHashes } from '../identity/keep-identity.ts';
import { nullIfUnavailable } from '../null-if-unavailable.ts';
import { beforeClaimWasRead, failed, problem, type Failed } from '../problem.ts';
import {
  decodeRecord,
  encodeRecord,
  kindOf,
  newRecordId,
  type ReusedRecord,
  type VerificationRecord,
} from '../records/records.ts';
import {
  pickChannelProviders,
  problemOfPicked,
  wrongFields,
  type Candidates,
  type Picked,
  type PickedChannel,
} from '../upstream/pick-provider.ts';
import { offerOf } from '../tenants/offer-of.ts';
import type { TenantRules } from '../tenants/tenant-rules.ts';
import { prepareInput } from '../upstream/prepare-input.ts';
import { findOf } from '../upstream/registry.ts';
import { checkRedirectUrl } from './check-redirect-url.ts';
import { readVerification, readVerifications } from './read-verifications.ts';
import {
  effectOf,
  personalLifeMs,
  startAttempt,
  type PreparedChannel,
  type StartRecord,
} from './start-attempt.ts';

export interface StartVerificationInput {
  readonly idempotencyKey: string;
  readonly userId?: string | null;
  readonly channel: string;
  readonly provider?: string | null;
  readonly subject?: { readonly name?: string | null; readonly idNumber?: string | null } | null;
  readonly redirectUrl?: string | null;
  readonly referenceImage?: string | null;
  readonly extra?: string | null;
  readonly consentRef?: string | null;
  readonly options?: Readonly<Record<string, unknown>> | null;
  readonly identity?: IdentityLevel | null;
  readonly account?: string | null;
}

export type StartVerificationOutcome =
  | {
      readonly kind: 'success';
      readonly verification: VerificationRecord;
      readonly replayed: boolean;
      readonly reused: boolean;
    }
  | Failed;

/** Starts a verification, at most once per idempotency key. Throws `AccessDenied`. */
export async function startVerification(
  deps: OutcomeDeps & CallerLimits & Urls,
  caller: Caller,
  given: StartVerificationInput,
  deadlineMs: number,
  { isLate = false }: Lateness = {},
): Promise<StartVerificationOutcome> {
  demandScope(caller, 'verification:start');
  const input = normalise(given);
  const rules = deps.tenants.rulesOf(caller.tenantId);
  const picked = pick(deps, caller, input);
  const ownProblems = [
    ...checkCommonInput(input, rules),
    ...redirectProblems(deps, rules, input.redirectUrl),
    ...identityProblems(rules, input.identity),
  ];
  if (picked.kind !== 'picked') return failed(problemOfPicked(picked, ownProblems));

  const [first, ...others] = picked.picked;
  const ready = prepareChannel(deps, caller.tenantId, first, input, ownProblems);
  if (ready.kind === 'problem') return ready;
  const placeholder = placeholderOf(deps, caller, input, ready);
  const start = { input, placeholder, isLate };
  const isChargeable = picked.picked.some((each) => effectOf(each) === 'may_charge');
  const outcome = await runClaimed<StartRecord>(deps, {
    operation: 'startVerification',
    ...claimNames(deps, caller, 'startVerification', input),
    // Before the response nobody needs the personal part, which is encrypted and written by itself.
    placeholder: { ...placeholder, extra: null, redirectUrl: null, subjectHashes: null },
    effect: isChargeable ? 'may_charge' : 'free_start',
    deadlineMs,
    first: startAttempt(deps, start, ready),
    fallbacks: others.map((candidate) => () => {
      const other = prepareChannel(deps, caller.tenantId, candidate, input, ownProblems);
      // A fallback must attest at least the same checks.
      const isFit =
        other.kind === 'prepared' && includesAll(other.prepared.checks, placeholder.checks);
      return isFit ? startAttempt(deps, start, other) : null;
    }),
    handOutUnkept: false,
  });
  return toStartOutcome(deps, caller, deadlineMs, placeholder, outcome);
}

function normalise(given: StartVerificationInput) {
  return {
    idempotencyKey: given.idempotencyKey,
    userId: given.userId ?? null,
    channel: given.channel,
    provider: given.provider ?? null,
    subject: normaliseSubject(given.subject),
    redirectUrl: emptyToNull(given.redirectUrl ?? ''),
    // The provider asks for base64 without line breaks (API 3.0, request).
    referenceImage: given.referenceImage?.replace(/[\r\n]/gu, '') ?? null,
    extra: emptyToNull(given.extra ?? ''),
    consentRef: emptyToNull(given.consentRef ?? ''),
    options: given.options ?? null,
    // The default counts as absent, so that keys of earlier builds keep their fingerprint.
    identity: given.identity === 'MASKED' ? null : (given.identity ?? null),
    account: given.account ?? null,
  };
}

type NormalInput = ReturnType<typeof normalise>;

function pick(
  deps: Pick<Providers, 'registry'> & KeySpace & Tenancy,
  { tenantId, userId }: Caller,
  input: NormalInput,
): Picked<Candidates> {
  const { channel, account, provider } = input;
  const offer = offerOf(deps, {
    ...{ tenantId, userId: input.userId ?? userId, account, provider },
    uses: ({ channels }) => [channel, channels[channel]?.action ?? channel],
  });
  return 'path' in offer ? wrongFields([offer]) : pickChannelProviders(offer, input);
}

function redirectProblems(
  { sandbox }: Pick<KeySpace, 'sandbox'>,
  { redirectOrigins: origins }: TenantRules,
  redirectUrl: string | null,
): FieldProblem[] {
  if (redirectUrl === null) return [];
  const message = checkRedirectUrl(redirectUrl, { origins, allowLocalhost: sandbox });
  return message === null ? [] : [{ path: 'redirectUrl', message }];
}

/** More than a tenant may learn is a mistake. */
function identityProblems(
  { mostIdentity }: TenantRules,
  level: IdentityLevel | null,
): FieldProblem[] {
  const isAllowed =
    level === null || identityLevels.indexOf(level) <= identityLevels.indexOf(mostIdentity);
  return isAllowed
    ? []
    : [{ path: 'identity', message: `${level} is not allowed for your tenant` }];
}

/** A tenant that may learn nothing gets nothing by default. */
function levelOf({ tenants }: Tenancy, tenantId: string, { identity }: NormalInput): IdentityLevel {
  const isNone = tenants.rulesOf(tenantId).mostIdentity === 'NONE';
  return identity ?? (isNone ? 'NONE' : 'MASKED');
}

const identityLevels: readonly IdentityLevel[] = ['NONE', 'MASKED', 'FULL'];

function prepareChannel(
  deps: Clock & Telemetry & Providers & Tenancy,
  tenantId: string,
  picked: PickedChannel,
  input: NormalInput,
  ownProblems: readonly FieldProblem[],
): PreparedChannel | Failed {
  const { provider, channel, options } = picked;
  const ready = prepareInput(deps, provider, ownProblems, (context) =>
    channel.prepare(
      {
        ...{ ...input, options, identity: levelOf(deps, tenantId, input) },
        hasRedirectUrl: input.redirectUrl !== null,
      },
      context,
    ),
  );
  return ready.kind === 'problem' ? ready : { ...picked, ...ready };
}

function placeholderOf(
  deps: Clock & Random & KeySpace & Tenancy,
  caller: Caller,
  input: NormalInput,
  { provider, channel, prepared }: PreparedChannel,
): VerificationRecord {
  const nowMs = deps.now();
  const id = newRecordId('verification', deps.randomBytes);
  const level = levelOf(deps, caller.tenantId, input);
  return {
    kind: 'verification',
    id,
    tenantId: caller.tenantId,
    userId: resolveUserId(caller, input.userId),
    callerId: caller.userId,
    providerId: provider.definition.id,
    account: provider.accountName,
    channel: input.channel,
    sandbox: deps.sandbox,
    status: 'PENDING',
    checks: prepared.checks,
    createdAtMs: nowMs,
    startedAtMs: null,
    expiresAtMs: null,
    lastAskedAtMs: null,
    lastCheckedAtMs: null,
    personalUntilMs: nowMs + personalLifeMs(channel),
    launch: null,
    session: null,
    outcome: null,
    extra: input.extra,
    redirectUrl: input.redirectUrl,
    consentRef: input.consentRef,
    identityLevel: level,
    // Without a wish to know who it was, nothing is kept to compare with.
    subjectHashes: level === 'NONE' ? null : toSubjectHashes(deps, id, input.subject),
    identity: null,
    media: [],
    ...{ flowId: null, calls: '', hasReturned: false },
    ...{ handoffUses: 0, lastHandoff: null },
    redactedAtMs: null,
    isPublished: false,
    phase: 'PROCESSING',
    launchFollows: false,
    cacheKeys: [],
  };
}

function includesAll<T>(all: readonly T[], some: readonly T[]): boolean {
  return some.every((each) => all.includes(each));
}

async function toStartOutcome(
  deps: OutcomeDeps,
  caller: Caller,
  deadlineMs: number,
  placeholder: VerificationRecord,
  outcome: ClaimedOutcome<StartRecord>,
): Promise<StartVerificationOutcome> {
  if (outcome.kind === 'problem') return outcome;
  const replayed = outcome.recordId !== placeholder.id;
  const answer = outcome.kind === 'answered' ? outcome.answer : null;
  // What was written a moment ago is not read again, unless an early notification may have changed it.
  if (answer?.kind === 'verification' && !hasNotifications(deps, answer)) {
    // As a later read gives it: a plugin may return what JSON does not keep.
    const verification = decodeRecord('verification', { id: answer.id, ...encodeRecord(answer) });
    return { kind: 'success', verification, replayed, reused: false };
  }
  const read = await nullIfUnavailable(
    answer?.kind === 'reused'
      ? readReused(deps, caller, answer, deadlineMs)
      : readStarted(deps, caller, outcome.recordId, deadlineMs),
  );
  // If the store does not respond now, the verification of this start is still at hand.
  const isAtHand = read === null && answer?.kind === 'verification';
  const verification = isAtHand ? answer : read?.verification;
  return verification
    ? { kind: 'success', verification, replayed, reused: read?.reused ?? false }
    : failed(beforeClaimWasRead(problem('STORE_UNAVAILABLE')));
}

function hasNotifications(
  { registry }: Pick<Providers, 'registry'>,
  record: VerificationRecord,
): boolean {
  return findOf(registry, record)?.definition.channels[record.channel]?.notification !== undefined;
}

interface ReadStart {
  /** Null if it no longer exists or cannot be read now. */
  readonly verification: VerificationRecord | null;
  readonly reused: boolean;
}

/** The verification that a start left, as it is now. */
async function readStarted(
  deps: OutcomeDeps,
  caller: Caller,
  id: string,
  deadlineMs: number,
): Promise<ReadStart> {
  const [stored] = await deps.store.records.get([id]);
  if (!stored) return { verification: null, reused: false };
  if (kindOf(stored) === 'reused') {
    return readReused(deps, caller, decodeRecord('reused', stored), deadlineMs);
  }
  const found = await readVerification(deps, caller, stored, deadlineMs);
  return { verification: found instanceof Error ? null : found, reused: false };
}

async function readReused(
  deps: OutcomeDeps,
  caller: Caller,
  { verificationId }: ReusedRecord,
  deadlineMs: number,
): Promise<ReadStart> {
  const [found] = await readVerifications(deps, caller, [verificationId], deadlineMs);
  return { verification: found instanceof Error ? null : (found ?? null), reused: true };
}
