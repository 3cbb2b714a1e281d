import type { FastifyInstance } from 'fastify';
import type { OutcomeDeps } from '../../core/core-deps.ts';
import { ownOperation } from '../../core/own-operation.ts';
import { finishReturn, type ReturnTarget } from '../../core/verifications/finish-return.ts';
import { readHandoffCookie } from '../handoff-cookie.ts';
import { sendPersonPage, tryLaterPage, type PersonPage } from '../person-page.ts';

const pages = {
  done: {
    status: 200,
    zh: {
      title: '核验已结束',
      lines: ['可以关闭此页，返回您开始操作的设备或应用。结果会显示在那里。'],
    },
    en: {
      title: 'The verification is over',
      lines: [
        'You may close this page. Go back to the device or the app where you began: it shows the result.',
      ],
    },
  },
  link_invalid: {
    status: 410,
    zh: { title: '链接已失效', lines: ['请返回您开始操作的设备或应用，重新开始。'] },
    en: {
      title: 'This link is no longer valid',
      lines: ['Please go back to the device or the app where you began, and start again.'],
    },
  },
  try_later: tryLaterPage,
} as const satisfies Record<Extract<ReturnTarget, { kind: 'page' }>['page'], PersonPage>;

/**
 * The URL to which a provider sends the browser back. It is a capability: it is neither logged nor passed
 * on.
 */
export function registerReturn(server: FastifyInstance, core: OutcomeDeps): void {
  server.get<{ Params: { capability: string } }>('/return/:capability', async (request, reply) => {
    const { capability } = request.params;
    const browser = readHandoffCookie(request.headers.cookie);
    const target = await ownOperation(core, 'return', () =>
      finishReturn(core, capability, browser),
    );
    if (target.kind === 'page') {
      const { page, languages } = target;
      return sendPersonPage(reply, { ...pages[page], ...(languages && { languages }) });
    }
    return reply
      .headers({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' })
      .redirect(target.url, 303);
  });
  // The path is too long to be a capability, or was damaged on its way.
  server.get('/return/*', (_request, reply) => sendPersonPage(reply, pages.link_invalid));
}
