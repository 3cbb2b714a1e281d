import type { Launch } from '../../contract/index.ts';
import { nextPollAfterMs } from '../../core/verifications/next-poll-after-ms.ts';
import { handoffUrl } from '../../core/verifications/hand-off.ts';
import { demandRead } from '../../core/verifications/read-verifications.ts';
import { readCalls, type RecordedCall } from '../../core/records/recorded-call.ts';
import type { VerificationRecord } from '../../core/records/records.ts';
import type { GraphqlContext } from '../context.ts';
import type {
  ResolversParentTypes,
  VerificationCallOutcome,
  VerificationChannel,
  VerificationHandoffResolvers,
  VerificationLaunchResolvers,
  VerificationOutcomeReason,
  VerificationOutcomeResolvers,
  VerificationProviderCallResolvers,
  VerificationResolvers,
  VerifiedIdentityDocumentResolvers,
  VerifiedIdentityResolvers,
} from '../generated.ts';
import { drawQr } from '../draw-qr.ts';
import { isEnumValue, isUnionMember } from '../known-values.ts';
import { toLaunchState } from '../launch-state.ts';
import { providerRef } from '../provider-ref.ts';
import { inClear, isInList } from '../verified-identity.ts';
import { userMessages } from '../user-messages.ts';
import { referenceId } from '../reference-id.ts';

export const verification: VerificationResolvers = {
  // Async, because a synchronous throw would null the whole batch (@apollo/subgraph 2.15.1).
  __resolveReference: async (reference, { caller, loaders }) => {
    demandRead(caller);
    return loaders.verification.load(referenceId(reference));
  },
  provider: (record, _arguments, { core }) => providerRef(core, record),
  channel: ({ channel }, _arguments, _context, { schema }) =>
    isEnumValue(schema, 'VerificationChannel', channel) ? (channel as VerificationChannel) : null,
  checks: ({ checks }) => [...checks],
  createdAt: ({ createdAtMs }) => createdAtMs,
  expiresAt: ({ expiresAtMs }) => expiresAtMs,
  lastCheckedAt: ({ lastCheckedAtMs }) => lastCheckedAtMs,
  nextPollAfterMs: (record, _arguments, { core }) => nextPollAfterMs(core, record),
  launch: (record, _arguments, context) => openLaunch(record, context),
  handoff: (record, _arguments, context) => toHandoff(record, context),
  launchState: (record, _arguments, { caller, core }) => toLaunchState(record, caller, core.now()),
  phase: ({ status, phase }) => (status === 'PENDING' ? phase : 'ENDED'),
  outcome: ({ outcome, status }) =>
    outcome && status !== 'PENDING' ? { ...outcome, status } : null,
  identity: (record) => record.identity && { record, part: record.identity },
  media: async (record, _arguments, { loaders }, info) =>
    isInList(info) ? [] : [...(await loaders.media.load(record))],
  calls: ({ calls }) => readCalls(calls),
  providerFlowId: ({ flowId }) => flowId,
  user: ({ userId }) => ({ id: userId }),
  redactedAt: ({ redactedAtMs }) => redactedAtMs,
};

export const verifiedIdentity: VerifiedIdentityResolvers = {
  nameMasked: ({ part }) => part.nameMasked,
  idNumberMasked: ({ part }) => part.idNumberMasked,
  matchesSubject: ({ part }) => part.matchesSubject,
  source: ({ part }) => part.source,
  personCode: ({ part }) => part.personCode,
  document: ({ record, part }) => part.document && { record, part: part.document },
  name: inClear('name'),
  idNumber: inClear('idNumber'),
  birthDate: inClear('birthDate'),
  documentNumber: inClear('documentNumber'),
};

export const verifiedIdentityDocument: VerifiedIdentityDocumentResolvers = {
  kind: ({ part }) => part.kind,
  issuingRegion: ({ part }) => part.issuingRegion,
  numberMasked: ({ part }) => part.numberMasked,
  birthDate: inClear('birthDate'),
  expiresOn: ({ part }) => part.expiresOn,
};

export const verificationProviderCall: VerificationProviderCallResolvers = {
  at: ({ atMs }) => atMs,
  outcome: ({ outcome }) => callOutcomes[outcome],
};

const callOutcomes = {
  ok: 'OK',
  not_sent: 'NOT_SENT',
  throttled: 'THROTTLED',
  busy: 'BUSY',
  credentials: 'CREDENTIALS',
  misconfigured: 'MISCONFIGURED',
  quota_exhausted: 'QUOTA_EXHAUSTED',
  rejected: 'REJECTED',
  session_expired: 'SESSION_EXPIRED',
  session_unknown: 'SESSION_UNKNOWN',
  internal: 'INTERNAL',
  timeout: 'TIMEOUT',
  connection_lost: 'CONNECTION_LOST',
  protocol: 'PROTOCOL',
} as const satisfies Record<RecordedCall['outcome'], VerificationCallOutcome>;

export const verificationLaunch: VerificationLaunchResolvers = {
  __resolveType: (launch) => launch.__typename,
};

export const verificationHandoff: VerificationHandoffResolvers = {
  // Drawn only if it is asked for.
  qrSvg: ({ url }) => drawQr(url),
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

function openLaunch(
  record: VerificationRecord,
  { core, caller }: GraphqlContext,
): ResolversParentTypes['VerificationLaunch'] | null {
  const isOpen = toLaunchState(record, caller, core.now()) === 'OPEN';
  return isOpen && record.launch ? toGraphqlLaunch(record.launch) : null;
}

function toHandoff(
  record: VerificationRecord,
  { core, caller }: GraphqlContext,
): ResolversParentTypes['VerificationHandoff'] | null {
  if (toLaunchState(record, caller, core.now()) !== 'OPEN' || record.expiresAtMs === null)
    return null;
  const url = handoffUrl(core, record);
  return url === null ? null : { url, expiresAt: record.expiresAtMs, qrSvg: '' };
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
