import { z } from 'zod';
import {
  checkAge,
  checkIdNumber,
  checkIdNumberChecksum,
  checkName,
  checkText,
  createProblemList,
  ProviderFault,
  type ChannelDefinition,
  type FieldProblem,
  type Launch,
  type OutcomeAnswer,
  type OutcomeSource,
  type PrepareContext,
  type StartInput,
} from '../../src/contract/plugin-api.ts';
import { flowQueries, queryFlow, startFace, type FaceRequest, type StartedFlow } from './api.ts';
import { toFaceOutcome, toFlowCodeOutcome } from './face-outcome.ts';
import { notification } from './notification.ts';
import { sessionSchema } from './session.ts';
import type { OemcloudSettings } from './settings.ts';

const optionsSchema = z.strictObject({
  receivesWebviewMessages: z.boolean().nullish(),
  repetition: z.boolean().nullish(),
});

type Options = z.output<typeof optionsSchema>;

/** The differences between the three modes. */
interface FaceMode {
  readonly faceauthMode: FaceRequest['faceauthMode'];
  /** The page: notification and redirect "are of no use" for WE_CHAT_FACE, although `callbackUrl` is required. */
  readonly callsBack: boolean;
  readonly takesWebviewMessages: boolean;
  readonly toLaunch: (flow: StartedFlow) => Launch;
}

/** For a response without `expire`. The page does not say how long a link lives. */
const assumedLifeSeconds = 30 * 60;
const leastAgeYears = 14;

export const faceWeb = faceChannel({
  faceauthMode: 'TENCENT',
  callsBack: true,
  takesWebviewMessages: false,
  toLaunch: toRedirect,
});

export const faceAlipay = faceChannel({
  faceauthMode: 'ZHIMACREDIT',
  callsBack: true,
  takesWebviewMessages: true,
  toLaunch: toRedirect,
});

export const faceWechatMiniProgram = faceChannel({
  faceauthMode: 'WE_CHAT_FACE',
  callsBack: false,
  takesWebviewMessages: false,
  toLaunch: ({ faceToken, authUrl, originalUrl }) => ({
    kind: 'mini_program',
    token: present(faceToken),
    url: authUrl || undefined,
    longUrl: originalUrl || undefined,
  }),
});

/** individual/face, then the outcome source that OEMCLOUD_OUTCOME selects. */
function faceChannel(mode: FaceMode): ChannelDefinition<OemcloudSettings> {
  return {
    action: 'individual/face',
    checks: ['LIVENESS', 'FACE_MATCH', 'IDENTITY_RECORD'],
    requires: ['subject.name', 'subject.idNumber'],
    outcome: ({ outcome }) => sourceOf(outcome, mode),
    optionsField: 'oemcloudFace',
    pollEveryMs: 1000,
    graceSeconds: 60,
    retentionSeconds: 3 * 24 * 3600,

    prepare: (input, context) => {
      const options = optionsSchema.parse(input.options ?? {});
      const problems = findProblems(input, options, mode, context);
      if (problems.length > 0) return { problems };
      const { name, idNumber } = input.subject;
      return {
        checks: ['LIVENESS', 'FACE_MATCH', 'IDENTITY_RECORD'],
        start: async (call, { returnUrl, notifyUrl }) => {
          const flow = await startFace(call, {
            name: name ?? '',
            idNo: idNumber ?? '',
            faceauthMode: mode.faceauthMode,
            callbackUrl: options.receivesWebviewMessages ? undefined : returnUrl,
            notifyUrl,
            contextId: input.extra ?? undefined,
            repetition: options.repetition ?? undefined,
          });
          return {
            launch: mode.toLaunch(flow),
            session: {
              flowId: flow.flowId,
              ...(input.identity === 'NONE' ? { namesNobody: true } : {}),
            },
            flowId: flow.flowId,
            expiresInSeconds:
              flow.expire === null ? assumedLifeSeconds : (flow.expire - call.now()) / 1000,
          };
        },
      };
    },

    fetchOutcome: async (call, session): Promise<OutcomeAnswer> => {
      const way = call.settings.outcome;
      if (way === 'notification' || way === 'none') return { kind: 'not_told' };
      const { flowId, namesNobody } = sessionSchema.parse(session);
      // `detail` returns name, number and phone of the person. `outline` has the status alone.
      const query = way === 'detail' && namesNobody ? 'outline' : way;
      const answer = await queryFlow(call, flowQueries[query], flowId);
      return 'state' in answer ? toFaceOutcome(answer.state) : toFlowCodeOutcome(answer.code);
    },

    notification,
  };
}

function sourceOf(way: OemcloudSettings['outcome'], { callsBack }: FaceMode): OutcomeSource {
  if (way === 'none') return 'NONE';
  if (way === 'notification') return callsBack ? 'NOTIFICATION' : 'NONE';
  return 'QUERY';
}

function findProblems(
  { subject, referenceImage, extra, hasRedirectUrl }: StartInput,
  options: Options,
  mode: FaceMode,
  { doubt, nowMs }: PrepareContext<OemcloudSettings>,
): readonly FieldProblem[] {
  const problems = createProblemList();
  const missing = 'is needed by oemcloud';
  problems.add('subject.name', subject.name === null ? missing : checkName(subject.name));
  const { idNumber } = subject;
  if (idNumber === null) {
    problems.add('subject.idNumber', missing);
  } else {
    const wrong = checkIdNumber(idNumber) ?? checkAge(idNumber, leastAgeYears, nowMs);
    problems.add('subject.idNumber', wrong);
    if (wrong === null) doubt('subject.idNumber', checkIdNumberChecksum(idNumber, nowMs));
  }
  if (referenceImage !== null) problems.add('referenceImage', 'is not used by oemcloud');
  if (extra !== null) problems.add('extra', checkText(extra, 1000));
  if (hasRedirectUrl && !mode.callsBack) {
    problems.add('redirectUrl', 'is not used by this channel: the SDK calls back');
  }
  if (hasRedirectUrl && options.receivesWebviewMessages) {
    problems.add(
      'redirectUrl',
      'is not used with receivesWebviewMessages: the page sends a message instead of redirecting',
    );
  }
  if (options.receivesWebviewMessages && !mode.takesWebviewMessages) {
    problems.add(
      'options.oemcloudFace.receivesWebviewMessages',
      'belongs to the channel FACE_ALIPAY',
    );
  }
  return problems.all;
}

function toRedirect({ authUrl, originalUrl, faceToken }: StartedFlow): Launch {
  return {
    kind: 'redirect',
    url: present(authUrl || originalUrl),
    longUrl: originalUrl || undefined,
    token: faceToken || undefined,
  };
}

/** A start without its launch cannot be used, and may have been charged. */
function present(value: string | null | undefined): string {
  if (!value) throw new ProviderFault('protocol');
  return value;
}
