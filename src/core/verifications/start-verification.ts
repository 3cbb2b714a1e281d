import type { FieldProblem, Prepared, Started, StartUrls } from '../../contract/index.ts';
import { demandScope, resolveUserId, type Caller } from '../callers/caller.ts';
import { sealCapability } from '../records/capability.ts';
import { checkCommonInput } from '../callers/check-common-input.ts';
import { checkLaunch } from './check-launch.ts';
import { checkRedirectUrl } from './check-redirect-url.ts';
import { claimEffectOf } from '../upstream/claim-effect.ts';
import { claimNames } from '../claims/claim-names.ts';
import { concludeVerification } from './conclude-verification.ts';
import type { CoreDeps } from '../core-deps.ts';
import { emptyToNull, normaliseSubject } from '../callers/normalise-subject.ts';
import type { ClaimedAttempt } from '../claims/lead-claim.ts';
import { performOperation } from '../upstream/perform-operation.ts';
import {
  pickChannelProviders,
  problemOfPicked,
  type PickedChannel,
} from '../upstream/pick-provider.ts';
import { prepareInput } from '../upstream/prepare-input.ts';
import { beforeClaimWasRead, problem, type Problem } from '../problem.ts';
import { readVerifications } from './read-verifications.ts';
import { receiveEarlyNotification } from './receive-notification.ts';
import {
  decodeRecord,
  kindOf,
  newRecordId,
  type ReusedRecord,
  type VerificationRecord,
} from '../records/records.ts';
import { quotaOf } from '../upstream/registry.ts';
import { launchReuse } from './reuse-launch.ts';
import { nullIfUnavailable } from '../null-if-unavailable.ts';
import { runClaimed } from '../claims/run-claimed.ts';
import { provesNothingDone } from '../claims/single-flight.ts';
import { spendVelocity } from '../callers/spend-velocity.ts';
import { tooLateToBegin, type Lateness } from '../claims/too-late-to-begin.ts';

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
}

export type StartVerificationOutcome =
  | {
      readonly kind: 'success';
      readonly verification: VerificationRecord;
      readonly replayed: boolean;
      readonly reused: boolean;
    }
  | { readonly kind: 'problem'; readonly problem: Problem };

/** Long enough for a person who comes back late; the provider forgets after three days anyway. */
const capabilityLifeMs = 3 * 24 * 3600 * 1000;
/** By then a start has its answer, or never will. */
const firstFollowUpMs = 12_000;

/** Starts a verification, at most once per key. Throws `AccessDenied`. */
export async function startVerification(
  deps: CoreDeps,
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
  ];
  if (!('picked' in picked)) {
    return { kind: 'problem', problem: problemOfPicked(picked, ownProblems) };
  }

  const [first, ...others] = picked.picked;
  const prepare = (candidate: PickedChannel) =>
    prepareCandidate(deps, candidate, input, ownProblems);
  const ready = prepare(first);
  if ('problem' in ready) return { kind: 'problem', problem: ready.problem };

  const userId = resolveUserId(caller, input.userId);
  const placeholder: VerificationRecord = {
    kind: 'verification',
    id: newRecordId('verification', deps.randomBytes),
    tenantId: caller.tenantId,
    userId,
    callerId: caller.userId,
    providerId: first.provider.definition.id,
    channel: input.channel,
    sandbox: deps.sandbox,
    status: 'PENDING',
    checks: ready.prepared.checks,
    createdAtMs: deps.now(),
    startedAtMs: null,
    expiresAtMs: null,
    lastAskedAtMs: null,
    lastCheckedAtMs: null,
    personalUntilMs: deps.now() + personalLifeMs(first.channel),
    launch: null,
    session: null,
    outcome: null,
    extra: input.extra,
    redirectUrl: input.redirectUrl,
    consentRef: input.consentRef,
    redactedAtMs: null,
    isPublished: false,
    cacheKeys: [],
  };

  const attemptOf = (candidate: PreparedCandidate): ClaimedAttempt<StartRecord> => {
    const { provider, channel, prepared } = candidate;
    const providerId = provider.definition.id;
    const { idempotencyKey: _key, ...rest } = input;
    const owned = { ...placeholder, providerId, checks: prepared.checks };
    const reuse = launchReuse(deps, candidate, owned, rest);
    const record = {
      ...owned,
      personalUntilMs: placeholder.createdAtMs + personalLifeMs(channel),
      cacheKeys: reuse?.keys ?? [],
    };
    return {
      providerId,
      effect: effectOf(candidate),
      perform: async (terms) => {
        const open = await reuse?.find();
        if (open) return open;
        if (isLate) throw tooLateToBegin();
        // Before anything is sent: whatever becomes of this process, somebody will ask how it ended.
        await deps.followUps.plan(record.id, deps.now() + firstFollowUpMs);
        const refund = await spendVelocity(deps, {
          owner: placeholder,
          idNumber: input.subject.idNumber,
          mayCharge: effectOf(candidate) === 'may_charge',
          quota: quotaOf(provider, channel.action),
        });
        try {
          const answer = await performOperation(deps, provider, terms, {
            name: `${providerId} ${input.channel} start`,
            effect: effectOf(candidate),
            work: async (call) => {
              const answered = await prepared.start(call, urlsOf(deps, record));
              return { ...answered, launch: checkLaunch(answered.launch, deps) };
            },
          });
          const started = begun(record, answer, deps.now());
          // To be found again is a convenience: its failure is nobody's.
          if (started.status === 'PENDING') await reuse?.remember(started).catch(() => {});
          return started;
        } catch (error) {
          if (provesNothingDone(error)) await refund();
          throw error;
        }
      },
    };
  };
  const isChargeable = picked.picked.some((candidate) => effectOf(candidate) === 'may_charge');
  const outcome = await runClaimed<StartRecord>(deps, {
    operation: 'startVerification',
    ...claimNames(deps, caller, 'startVerification', input),
    placeholder,
    effect: isChargeable ? 'may_charge' : 'free_start',
    deadlineMs,
    first: attemptOf(ready),
    fallbacks: others.map((candidate) => () => {
      const other = prepare(candidate);
      // A fallback attests at least the same, of the same input.
      const isFit = 'prepared' in other && includesAll(other.prepared.checks, placeholder.checks);
      return isFit ? attemptOf(other) : null;
    }),
    fill: (started) => started,
    handOutUnkept: false,
    onKept: () => receiveEarlyNotification(deps, placeholder.id),
  });
  if (outcome.kind === 'problem') return outcome;

  const replayed = outcome.recordId !== placeholder.id;
  const answer =
    outcome.kind === 'answered'
      ? outcome.answer
      : await nullIfUnavailable(readStartRecord(deps, outcome.recordId));
  const reused = answer?.kind === 'reused';
  const id = answer?.kind === 'reused' ? answer.verificationId : outcome.recordId;
  const read = await nullIfUnavailable(readVerifications(deps, caller, [id], deadlineMs));
  const current = read?.[0] instanceof Error ? null : read?.[0];
  // The answer is at hand: that the store does not answer now takes nothing from it.
  const isAtHand = current === null && read === null && answer?.kind === 'verification';
  const verification = isAtHand ? answer : current;
  return verification
    ? { kind: 'success', verification, replayed, reused }
    : { kind: 'problem', problem: beforeClaimWasRead(problem('STORE_UNAVAILABLE')) };
}

/** What a start leaves behind: a verification of its own, or the name of one that was there. */
type StartRecord = VerificationRecord | ReusedRecord;

/** What a replayed start was answered by; null when it is gone. */
async function readStartRecord({ store }: CoreDeps, id: string): Promise<StartRecord | null> {
  const [stored] = await store.records.get([id]);
  if (!stored) return null;
  return kindOf(stored) === 'reused'
    ? decodeRecord('reused', stored)
    : decodeRecord('verification', stored);
}

function normalise(given: StartVerificationInput) {
  return {
    idempotencyKey: given.idempotencyKey,
    userId: given.userId ?? null,
    channel: given.channel,
    provider: given.provider ?? null,
    subject: normaliseSubject(given.subject),
    redirectUrl: emptyToNull(given.redirectUrl ?? ''),
    // Line breaks of a wrapped encoding are dropped, as the provider asks (API 3.0, request).
    referenceImage: given.referenceImage?.replace(/[\r\n]/gu, '') ?? null,
    extra: emptyToNull(given.extra ?? ''),
    consentRef: emptyToNull(given.consentRef ?? ''),
    options: given.options ?? null,
  };
}

interface PreparedCandidate extends PickedChannel {
  readonly prepared: Exclude<Prepared<unknown>, { readonly problems: unknown }>;
}

function prepareCandidate(
  deps: CoreDeps,
  candidate: PickedChannel,
  input: ReturnType<typeof normalise>,
  ownProblems: readonly FieldProblem[],
): PreparedCandidate | { readonly problem: Problem } {
  const { provider, channel, options } = candidate;
  const ready = prepareInput(deps, provider, ownProblems, (context) =>
    channel.prepare({ ...input, options }, context),
  );
  return 'problem' in ready ? ready : { ...candidate, prepared: ready.prepared };
}

function effectOf({ provider, channel }: PickedChannel): ClaimedAttempt<unknown>['effect'] {
  return claimEffectOf(provider.definition, channel.action);
}

function includesAll<T>(all: readonly T[], some: readonly T[]): boolean {
  return some.every((each) => all.includes(each));
}

function redirectProblems(
  deps: CoreDeps,
  caller: Caller,
  redirectUrl: string | null,
): FieldProblem[] {
  if (redirectUrl === null) return [];
  const message = checkRedirectUrl(redirectUrl, caller.tenantId, deps.redirectRules);
  return message === null ? [] : [{ path: 'redirectUrl', message }];
}

/** A person may come back, and a provider be asked, as long as this. */
function personalLifeMs({ retentionSeconds }: PickedChannel['channel']): number {
  return Math.max(capabilityLifeMs, retentionSeconds * 1000) + 3600 * 1000;
}

function urlsOf(deps: CoreDeps, { id, providerId }: VerificationRecord): StartUrls {
  const expiresAtMs = deps.now() + capabilityLifeMs;
  const seal = (purpose: 'return' | 'callback'): string =>
    sealCapability(deps.hashKeys, { purpose, recordId: id, expiresAtMs });
  return {
    returnUrl: `${deps.publicUrl}/return/${seal('return')}`,
    notifyUrl: `${deps.publicUrl}/callbacks/${providerId}/${seal('callback')}`,
    reference: id,
  };
}

function begun(record: VerificationRecord, started: Started, nowMs: number): VerificationRecord {
  const open = {
    ...record,
    startedAtMs: nowMs,
    expiresAtMs: nowMs + started.expiresInSeconds * 1000,
    launch: started.launch,
    session: started.session,
  };
  if (!started.outcome) return open;
  const terms = { nowMs, askedMs: nowMs, graceSeconds: 0, evidence: 'QUERIED' } as const;
  return concludeVerification(open, started.outcome, terms);
}
