import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CheckKind } from '../../contract/index.ts';
import type { CoreDeps } from '../../core/core-deps.ts';
import { ownOperation } from '../../core/own-operation.ts';
import {
  browserProof,
  readHandoff,
  useHandoff,
  type Handoff,
} from '../../core/verifications/hand-off.ts';
import { handoffCookie } from '../handoff-cookie.ts';
import { sendPersonPage, tryLaterPage, type PageText, type PersonPage } from '../person-page.ts';

type Closed = Exclude<Handoff['kind'], 'open'>;

/** One field of 22 characters. */
const mostFormBytes = 1024;

/**
 * The page behind the URL of a handoff. Its form goes on to the provider, once. The URL is a capability: it is neither
 * logged nor passed on.
 */
export function registerHandoff(server: FastifyInstance, core: CoreDeps): void {
  const isSecure = core.publicUrl.startsWith('https:');
  void server.register(async (scope) => {
    // The sandbox has parsers of its own on this listener.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    );
    scope.setErrorHandler(sendErrorPage);
    const url = '/go/:capability';
    scope.get<{ Params: { capability: string } }>(url, async ({ params }, reply) => {
      const found = await ownOperation(core, 'handoff', () => readHandoff(core, params.capability));
      if (found.kind !== 'open') return sendPersonPage(reply, closedPages[found.kind]);
      const pageKey = core.randomBytes(16).toString('base64url');
      return sendPersonPage(reply, toOpenPage(core, found), pageKey);
    });
    scope.post<{ Params: { capability: string } }>(
      url,
      { bodyLimit: mostFormBytes },
      async ({ params, body }, reply) => {
        const pageKey = new URLSearchParams(typeof body === 'string' ? body : '').get('page') ?? '';
        const found = await ownOperation(core, 'handoff', () =>
          useHandoff(core, params.capability, pageKey),
        );
        if (found.kind !== 'open') return sendPersonPage(reply, closedPages[found.kind]);
        const proof = browserProof(core, found.record.id);
        return reply
          .headers({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' })
          .header('set-cookie', handoffCookie(proof, { isSecure }))
          .redirect(found.launchUrl, 303);
      },
    );
    // The path is too long to be a capability, or was damaged on its way.
    scope.all('/go/*', (_request, reply) => sendPersonPage(reply, closedPages.unknown));
  });
}

/** A person gets a page, also if the process is busy or about to stop. Other errors are for the error handler above. */
function sendErrorPage(
  error: FastifyError,
  _request: FastifyRequest,
  reply: FastifyReply,
): unknown {
  const status = error.statusCode ?? 500;
  if (status >= 500 && status !== 503) throw error;
  const page = status === 503 ? closedPages.try_later : { ...closedPages.unknown, status };
  return sendPersonPage(reply, page);
}

function toOpenPage(
  { registry, now, tenants }: Pick<CoreDeps, 'registry' | 'now' | 'tenants'>,
  { record }: Extract<Handoff, { kind: 'open' }>,
): PersonPage {
  const { displayName: name, languages } = tenants.rulesOf(record.tenantId);
  const provider = registry.find(record.providerId)?.definition.title ?? record.providerId;
  // Rounded down: a promise that is too long would end on the provider's page.
  const minutes = Math.floor(((record.expiresAtMs ?? now()) - now()) / 60_000);
  const inTime = {
    zh: minutes === 0 ? '请立即开始。' : `请在 ${minutes} 分钟内开始。`,
    en: `Please begin ${minutes === 0 ? 'at once' : `within ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`}.`,
  };
  const steps = checkOrder.filter((check) => record.checks.includes(check));
  const zh: PageText = {
    title: '身份核验',
    lines: [
      `${name ?? '您正在使用的服务'}请您完成一次身份核验。`,
      `接下来：${steps.map((check) => stepTexts[check].zh).join('，')}。`,
      `由 ${provider} 进行核验。${inTime.zh}`,
      '如果不是您本人发起的，请关闭此页。',
    ],
    button: '继续',
  };
  const en: PageText = {
    title: 'Identity verification',
    lines: [
      `${name ?? 'The service that you are using'} asks you to verify your identity.`,
      `What happens next: ${steps.map((check) => stepTexts[check].en).join(', ')}.`,
      `${provider} carries out the verification. ${inTime.en}`,
      'If you did not ask for this, close this page.',
    ],
    button: 'Continue',
  };
  return { status: 200, zh, en, languages };
}

const checkOrder: readonly CheckKind[] = [
  ...(['DOCUMENT', 'LIVENESS', 'FACE_MATCH', 'INTENTION', 'IDENTITY_RECORD'] as const),
];

const stepTexts = {
  DOCUMENT: { zh: '拍摄身份证件', en: 'you photograph an identity document' },
  LIVENESS: { zh: '面对摄像头', en: 'you look into the camera' },
  FACE_MATCH: { zh: '比对您的面部', en: 'your face is compared' },
  INTENTION: { zh: '确认您的意愿', en: 'you confirm what you intend' },
  IDENTITY_RECORD: { zh: '核对您的身份信息', en: 'your details are checked' },
} as const satisfies Record<CheckKind, { readonly zh: string; readonly en: string }>;

const closedPages = {
  used: {
    status: 410,
    zh: {
      title: '此链接已被使用',
      lines: ['每个链接只能使用一次。请回到您开始操作的设备，在那里显示新的二维码。'],
    },
    en: {
      title: 'This link has already been used',
      lines: ['It works once. Go back to the device where you began, and show a new code there.'],
    },
  },
  begun: {
    status: 410,
    zh: {
      title: '核验已经开始',
      lines: ['请在已打开的页面中继续。如果已经关闭，请回到您开始操作的设备，重新开始。'],
    },
    en: {
      title: 'The verification has already begun',
      lines: [
        'Continue on the page that is open. If you have closed it, go back to the device where you began, and start again.',
      ],
    },
  },
  expired: {
    status: 410,
    zh: { title: '已超时', lines: ['请回到您开始操作的设备，重新开始。'] },
    en: {
      title: 'Time is up',
      lines: ['Go back to the device where you began, and start again.'],
    },
  },
  closed: {
    status: 410,
    zh: { title: '此次核验已结束', lines: ['请回到您开始操作的设备，结果会显示在那里。'] },
    en: {
      title: 'This verification is over',
      lines: ['Go back to the device where you began: it shows the result.'],
    },
  },
  unknown: {
    status: 404,
    zh: { title: '链接无效', lines: ['请回到您开始操作的设备，重新扫描二维码。'] },
    en: {
      title: 'This link is not valid',
      lines: ['Go back to the device where you began, and scan the code again.'],
    },
  },
  try_later: tryLaterPage,
} as const satisfies Record<Closed, PersonPage>;
