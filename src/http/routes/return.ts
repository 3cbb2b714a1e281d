import type { FastifyInstance, FastifyReply } from 'fastify';
import type { OutcomeDeps } from '../../core/core-deps.ts';
import { ownOperation } from '../../core/own-operation.ts';
import { finishReturn, type ReturnTarget } from '../../core/verifications/finish-return.ts';

type Page = Extract<ReturnTarget, { kind: 'page' }>['page'];

const pages = {
  done: {
    status: 200,
    zh: ['核身已结束', '可以关闭此页，返回原应用。'],
    en: ['The verification is over', 'You may close this page and go back to the app.'],
  },
  link_invalid: {
    status: 410,
    zh: ['链接已失效', '请返回原应用，重新开始。'],
    en: ['This link is no longer valid', 'Please go back to the app and start again.'],
  },
  try_later: {
    status: 503,
    zh: ['暂时无法继续', '请稍后刷新此页。'],
    en: ['This cannot continue right now', 'Please reload this page in a moment.'],
  },
} as const satisfies Record<Page, { status: number; zh: [string, string]; en: [string, string] }>;

/**
 * The URL to which a provider sends the browser back. It is a capability: it is neither logged nor passed
 * on.
 */
export function registerReturn(server: FastifyInstance, core: OutcomeDeps): void {
  server.get<{ Params: { capability: string } }>('/return/:capability', async (request, reply) => {
    const { capability } = request.params;
    const target = await ownOperation(core, 'return', () => finishReturn(core, capability));
    reply.headers({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' });
    return target.kind === 'redirect'
      ? reply.redirect(target.url, 303)
      : sendPage(reply, target.page);
  });
  // The path is too long to be a capability, or was damaged on its way.
  server.get('/return/*', (_request, reply) => sendPage(reply, 'link_invalid'));
}

function sendPage(reply: FastifyReply, name: Page): FastifyReply {
  const { status, zh, en } = pages[name];
  return reply
    .code(status)
    .type('text/html; charset=utf-8')
    .header(
      'content-security-policy',
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ).send(`<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${zh[0]} · ${en[0]}</title>
<style>:root { color-scheme: light dark; font: 1.05rem/1.6 system-ui, sans-serif } body { max-width: 32rem; margin: 15vh auto; padding: 1rem; text-align: center }</style>
<main><h1>${zh[0]}<br><span lang="en">${en[0]}</span></h1><p>${zh[1]}<br><span lang="en">${en[1]}</span></p></main>
</html>`);
}
