import type { Prepared, Started, StartUrls } from '../../contract/index.ts';
import { spendVelocity } from '../callers/spend-velocity.ts';
import type { ClaimedAttempt } from '../claims/claimed-work.ts';
import { provesNothingDone } from '../claims/to-failure.ts';
import { tooLateToBegin } from '../claims/too-late-to-begin.ts';
import type {
  CallDeps,
  CallerLimits,
  Clock,
  KeySpace,
  OutcomeDeps,
  Tenancy,
  Urls,
} from '../core-deps.ts';
import { logBug } from '../log-bug.ts';
import { keepIdentity } from '../identity/keep-identity.ts';
import { sealCapability } from '../records/capability.ts';
import { addCalls, type RecordedCall } from '../records/recorded-call.ts';
import type { ReusedRecord, VerificationRecord } from '../records/records.ts';
import type { CallTerms } from '../upstream/call-terms.ts';
import { claimEffectOf, type ClaimEffect } from '../upstream/claim-effect.ts';
import { countCharges } from '../upstream/count-charges.ts';
import { performOperation } from '../upstream/perform-operation.ts';
import type { PickedChannel } from '../upstream/pick-provider.ts';
import { quotaOf } from '../upstream/registry.ts';
import { checkLaunch, isLifetime } from './check-launch.ts';
import { concludeVerification } from './conclude-verification.ts';
import { planFirstFollowUp } from './plan-first-follow-up.ts';
import { receiveEarlyNotification } from './receive-notification.ts';
import { launchReuse } from './reuse-launch.ts';
import { listPass } from './write-verification.ts';

/** The record of a start: a verification of its own, or a reference to an open one. */
export type StartRecord = VerificationRecord | ReusedRecord;

/** A channel whose provider has prepared the input. */
export interface PreparedChannel extends PickedChannel {
  readonly kind: 'prepared';
  readonly prepared: Exclude<Prepared<unknown>, { readonly problems: unknown }>;
}

/** The parts of a start that do not depend on the provider. */
interface Start {
  readonly input: {
    readonly idempotencyKey: string;
    readonly channel: string;
    readonly subject: { readonly idNumber: string | null };
  };
  readonly placeholder: VerificationRecord;
  readonly isLate: boolean;
}

/** Long enough for a person who comes back late. */
const leastCapabilityLifeMs = 3 * 24 * 3600 * 1000;

/** Starts a verification over a prepared channel: with an open launch of the same user, or a new call. */
export function startAttempt(
  deps: OutcomeDeps & CallerLimits & Urls,
  start: Start,
  candidate: PreparedChannel,
): ClaimedAttempt<StartRecord> {
  const { placeholder, isLate } = start;
  const { provider, channel, prepared } = candidate;
  const providerId = provider.definition.id;
  const { idempotencyKey: _key, ...input } = start.input;
  const { accountName: account } = provider;
  const owned = { ...placeholder, providerId, account, checks: prepared.checks };
  const reuse = launchReuse(deps, candidate, owned, input);
  const record = {
    ...owned,
    personalUntilMs: placeholder.createdAtMs + personalLifeMs(channel),
    cacheKeys: reuse?.keys ?? [],
  };
  return {
    ...{ providerId, account },
    effect: effectOf(candidate),
    action: channel.action,
    perform: async (terms) => {
      const open = await reuse?.find();
      if (open) return open;
      if (isLate) throw tooLateToBegin();
      // Confirmed before anything is sent, so that the follow-up happens even if this process ends.
      const { planned, correct } = planFirstFollowUp(deps, channel, record.id);
      planned.catch(() => {});
      const withPlan = { ...terms, beforeSend: [...terms.beforeSend, () => planned] };
      const started = await callProviderToStart(deps, withPlan, start, candidate, record);
      // Best effort: what was paid for must not be lost, and the next write lists it.
      if (started.status === 'PASSED') await listPass(deps, started).catch(() => {});
      // Best effort, beside the answer: what was paid for is stored first.
      void correct(started).catch(() => {});
      return started;
    },
    prefetch: () => reuse?.prefetch(),
    onKept: async (started) => {
      if (started.kind === 'reused') return;
      await Promise.all([
        // Best effort: without the cache entry, the launch is only not reused.
        started.status === 'PENDING' && (started.launch || started.launchFollows)
          ? reuse?.remember(started).catch(() => {})
          : null,
        channel.notification ? receiveEarlyNotification(deps, placeholder.id) : null,
      ]);
    },
  };
}

export function effectOf({ provider, channel }: PickedChannel): ClaimEffect {
  return claimEffectOf(provider.definition, channel.action);
}

/** How long a person may come back and the provider may be polled, plus an hour. */
export function personalLifeMs(channel: PickedChannel['channel']): number {
  return capabilityLifeMs(channel) + 3600 * 1000;
}

/** A notification may come for as long as the provider keeps the outcome. */
function capabilityLifeMs({ retentionSeconds }: PickedChannel['channel']): number {
  return Math.max(leastCapabilityLifeMs, retentionSeconds * 1000);
}

async function callProviderToStart(
  deps: CallDeps & KeySpace & CallerLimits & Urls & Tenancy,
  terms: CallTerms,
  { input, placeholder }: Start,
  candidate: PreparedChannel,
  record: VerificationRecord,
): Promise<VerificationRecord> {
  const { provider, channel, prepared } = candidate;
  const effect = effectOf(candidate);
  const refund = await spendVelocity(deps, {
    owner: placeholder,
    idNumber: input.subject.idNumber,
    mayCharge: effect === 'may_charge',
    quota: quotaOf(provider, channel.action),
  });
  const name = `${record.providerId} ${input.channel} start`;
  const calls: RecordedCall[] = [];
  let failure: unknown = null;
  const noted = { ...terms, recordId: record.id, onCall: (made: RecordedCall) => calls.push(made) };
  try {
    const started = await performOperation(deps, provider, noted, {
      name,
      effect,
      work: async (call) => {
        const result = await prepared.start(call, urlsOf(deps, record, channel));
        return { ...result, launch: checkLaunch(result.launch, deps) };
      },
    });
    const { expiresInSeconds, ...rest } = started;
    const own = { ...record, calls: addCalls('', calls) };
    if (isLifetime(expiresInSeconds)) return begun(deps, own, started);
    // What may have been paid for is not lost because its time cannot be read.
    logBug(deps.log, `${name}: expiresInSeconds`, new TypeError());
    return begun(deps, own, { ...rest, expiresInSeconds: channel.retentionSeconds });
  } catch (error) {
    failure = error;
    if (provesNothingDone(error)) await refund();
    throw error;
  } finally {
    const { tenantId: tenant } = placeholder;
    const ended = { tenant, action: channel.action, calls, error: failure, nowMs: deps.now() };
    countCharges(deps, terms, provider, ended);
  }
}

function urlsOf(
  deps: Clock & KeySpace & Urls,
  { id, providerId }: VerificationRecord,
  channel: PickedChannel['channel'],
): StartUrls {
  const expiresAtMs = deps.now() + capabilityLifeMs(channel);
  const seal = (purpose: 'return' | 'callback'): string =>
    sealCapability(deps.hashKeys, { purpose, recordId: id, expiresAtMs });
  // Sealed only if the plugin reads them. Many providers take one of them.
  return {
    get returnUrl() {
      return `${deps.publicUrl}/return/${seal('return')}`;
    },
    get notifyUrl() {
      return `${deps.publicUrl}/callbacks/${providerId}/${seal('callback')}`;
    },
    reference: id,
  };
}

function begun(
  deps: Clock & KeySpace,
  record: VerificationRecord,
  started: Started,
): VerificationRecord {
  const nowMs = deps.now();
  const open = {
    ...record,
    startedAtMs: nowMs,
    expiresAtMs: nowMs + started.expiresInSeconds * 1000,
    launch: started.launch,
    launchFollows: started.launch === null && started.launchFollows === true,
    phase: started.launch === null ? ('PROCESSING' as const) : ('WAITING_FOR_PERSON' as const),
    session: started.session,
    flowId: started.flowId ?? null,
  };
  if (!started.outcome) return open;
  const terms = { nowMs, askedMs: nowMs, graceSeconds: 0, evidence: 'QUERIED' } as const;
  return keepIdentity(deps, concludeVerification(open, started.outcome, terms), started.outcome);
}
