import type { Launch } from '../../contract/index.ts';
import { graceEndsMs } from '../../core/verifications/conclude-verification.ts';
import { pollIntervalMs } from '../../core/verifications/refresh-verification.ts';
import { demandRead } from '../../core/verifications/read-verifications.ts';
import type { VerificationRecord } from '../../core/records/records.ts';
import { isEnabled, outcomeSourceOf } from '../../core/upstream/registry.ts';
import type { GraphqlContext } from '../context.ts';
import type {
  ResolversParentTypes,
  VerificationChannel,
  VerificationLaunchResolvers,
  VerificationOutcomeReason,
  VerificationOutcomeResolvers,
  VerificationResolvers,
} from '../generated.ts';
import { isEnumValue, isUnionMember } from '../known-values.ts';
import { toLaunchState } from '../launch-state.ts';
import { providerRef } from '../provider-ref.ts';
import { userMessages } from '../user-messages.ts';
import { referenceId } from '../reference-id.ts';

/** The poll interval if the provider cannot be queried now. */
const defaultPollMs = 5000;

export const verification: VerificationResolvers = {
  // Async, because a synchronous throw would null the whole batch (@apollo/subgraph 2.15.1).
  __resolveReference: async (reference, { caller, loaders }) => {
    demandRead(caller);
    return loaders.verification.load(referenceId(reference));
  },
  provider: ({ providerId }, _arguments, { core }) => providerRef(core, providerId),
  channel: ({ channel }, _arguments, _context, { schema }) =>
    isEnumValue(schema, 'VerificationChannel', channel) ? (channel as VerificationChannel) : null,
  checks: ({ checks }) => [...checks],
  createdAt: ({ createdAtMs }) => createdAtMs,
  expiresAt: ({ expiresAtMs }) => expiresAtMs,
  lastCheckedAt: ({ lastCheckedAtMs }) => lastCheckedAtMs,
  nextPollAfterMs: (record, _arguments, { core }) => nextPollAfterMs(record, core),
  launch: (record, _arguments, context) => openLaunch(record, context),
  launchState: (record, _arguments, { caller, core }) => toLaunchState(record, caller, core.now()),
  phase: ({ status, phase }) => (status === 'PENDING' ? phase : 'ENDED'),
  outcome: ({ outcome, status }) =>
    outcome && status !== 'PENDING' ? { ...outcome, status } : null,
  user: ({ userId }) => ({ id: userId }),
  redactedAt: ({ redactedAtMs }) => redactedAtMs,
};

export const verificationLaunch: VerificationLaunchResolvers = {
  __resolveType: (launch) => launch.__typename,
};

export const verificationOutcome: VerificationOutcomeResolvers = {
  // A plugin may add reasons, so only the assembled schema knows all names.
  reason: ({ reason }, _arguments, _context, { schema }) =>
    isEnumValue(schema, 'VerificationOutcomeReason', reason)
      ? (reason as VerificationOutcomeReason)
      : 'OTHER',
  userMessage: ({ reason, status }, { language }) =>
    userMessages.ofOutcome(reason, status)[language],
  completedAt: ({ completedAtMs }) => completedAtMs,
  details: ({ details }, _arguments, _context, { schema }) =>
    details && isUnionMember(schema, 'VerificationOutcomeDetails', details.__typename)
      ? (details as ResolversParentTypes['VerificationOutcomeDetails'])
      : null,
};

function nextPollAfterMs(
  record: VerificationRecord,
  { registry, now }: GraphqlContext['core'],
): number | null {
  if (record.status !== 'PENDING') return null;
  const provider = registry.find(record.providerId);
  const channel = provider?.definition.channels[record.channel];
  if (!provider || !channel || !isEnabled(provider)) return defaultPollMs;
  const { graceSeconds } = channel;
  const pollEveryMs = pollIntervalMs(record, channel);
  if (outcomeSourceOf(provider, channel) === 'NONE') {
    // No outcome can be known before the end.
    return Math.max(pollEveryMs, graceEndsMs(record, graceSeconds) - now());
  }
  // The last query may have failed. The interval still applies, so that a provider in trouble is not
  // queried in a loop.
  const lastMs = record.lastAskedAtMs ?? record.startedAtMs;
  const leftMs = (lastMs ?? now()) + pollEveryMs - now();
  return leftMs > 0 ? Math.min(leftMs, pollEveryMs) : pollEveryMs;
}

function openLaunch(
  record: VerificationRecord,
  { core, caller }: GraphqlContext,
): ResolversParentTypes['VerificationLaunch'] | null {
  const isOpen = toLaunchState(record, caller, core.now()) === 'OPEN';
  return isOpen && record.launch ? toGraphqlLaunch(record.launch) : null;
}

function toGraphqlLaunch(launch: Launch): ResolversParentTypes['VerificationLaunch'] {
  switch (launch.kind) {
    case 'redirect': {
      const { url, longUrl = null, token = null } = launch;
      return { __typename: 'VerificationRedirect', url, longUrl, token };
    }
    case 'sdk_token': {
      const { token, clientConfig = null } = launch;
      return { __typename: 'VerificationSdkToken', token, clientConfig };
    }
    case 'mini_program': {
      const { token, url = null, longUrl = null } = launch;
      return { __typename: 'VerificationMiniProgram', token, url, longUrl };
    }
  }
}
