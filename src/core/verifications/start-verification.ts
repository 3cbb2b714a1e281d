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
  IdentityRules,
  KeySpace,
  OutcomeDeps,
  Providers,
  Random,
  Telemetry,
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
  type PickedChannel,
} from '../upstream/pick-provider.ts';
import { prepareInput } from '../upstream/prepare-input.ts';
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
  deps: OutcomeDeps & CallerLimits & Urls & IdentityRules,
  caller: Caller,
  given: StartVerificationInput,
  deadlineMs: number,
  { isLate = false }: Lateness = {},
): Promise<StartVerificationOutcome> {
  demandScope(caller, 'verification:start');
  const input = normalise(given);
  const picked = pickChannelProviders(deps.registry, input);
  const ownProblems = [
    ...checkCommonInput(input),
    ...redirectProblems(deps, caller, input.redirectUrl),
    ...identityProblems(deps, caller, input.identity),
  ];
  if (picked.kind !== 'picked') return failed(problemOfPicked(picked, ownProblems));

  const [first, ...others] = picked.picked;
  const ready = prepareChannel(deps, first, input, ownProblems);
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
      const other = prepareChannel(deps, candidate, input, ownProblems);
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
  };
}

type NormalInput = ReturnType<typeof normalise>;

function redirectProblems(
  { redirectRules }: Pick<Urls, 'redirectRules'>,
  { tenantId }: Caller,
  redirectUrl: string | null,
): FieldProblem[] {
  if (redirectUrl === null) return [];
  const message = checkRedirectUrl(redirectUrl, tenantId, redirectRules);
  return message === null ? [] : [{ path: 'redirectUrl', message }];
}

function identityProblems(
  { fullIdentityTenants }: IdentityRules,
  { tenantId }: Caller,
  level: IdentityLevel | null,
): FieldProblem[] {
  const isAllowed = fullIdentityTenants === null || fullIdentityTenants.has(tenantId);
  return level !== 'FULL' || isAllowed
    ? []
    : [{ path: 'identity', message: 'FULL is not allowed for your tenant' }];
}

function prepareChannel(
  deps: Clock & Telemetry & Providers,
  picked: PickedChannel,
  input: NormalInput,
  ownProblems: readonly FieldProblem[],
): PreparedChannel | Failed {
  const { provider, channel, options } = picked;
  const ready = prepareInput(deps, provider, ownProblems, (context) =>
    channel.prepare(
      {
        ...{ ...input, options, identity: input.identity ?? 'MASKED' },
        hasRedirectUrl: input.redirectUrl !== null,
      },
      context,
    ),
  );
  return ready.kind === 'problem' ? ready : { ...picked, ...ready };
}

function placeholderOf(
  deps: Clock & Random & KeySpace,
  caller: Caller,
  input: NormalInput,
  { provider, channel, prepared }: PreparedChannel,
): VerificationRecord {
  const nowMs = deps.now();
  const id = newRecordId('verification', deps.randomBytes);
  return {
    kind: 'verification',
    id,
    tenantId: caller.tenantId,
    userId: resolveUserId(caller, input.userId),
    callerId: caller.userId,
    providerId: provider.definition.id,
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
    identityLevel: input.identity ?? 'MASKED',
    // Without a wish to know who it was, nothing is kept to compare with.
    subjectHashes: input.identity === 'NONE' ? null : toSubjectHashes(deps, id, input.subject),
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
  { providerId, channel }: VerificationRecord,
): boolean {
  return registry.find(providerId)?.definition.channels[channel]?.notification !== undefined;
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
