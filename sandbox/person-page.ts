import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Flow, Flows } from './flows.ts';
import { questionCodes, readAloudCodes } from './tencent-cn/codes.ts';

/** Enough for a button, a code and an intention code. */
const mostFormBytes = 4096;

/** Codes about the person. The other codes are about the service. */
const isFailure = (code: string): boolean =>
  Number(code) >= 16 && ![17, 18, 19].includes(Number(code));

/**
 * Stands for the provider's page. The person chooses the outcome here. It uses plain forms, so that it
 * works by keyboard, on a small phone and without scripts.
 */
export function registerPersonPage(server: FastifyInstance, flows: Flows): void {
  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );

  server.get<{ Params: { token: string } }>('/sandbox/person/:token', (request, reply) => {
    const flow = flows.ofPerson(request.params.token);
    if (!flow || isUsedUp(flow) || flows.isOver(flow)) return send(reply.code(410), endedPage);
    flow.state = 'doing';
    flow.entered?.(flow);
    return send(reply, choicePage(flow));
  });

  server.post<{ Params: { token: string }; Body: Readonly<Record<string, string>> | undefined }>(
    '/sandbox/person/:token',
    { bodyLimit: mostFormBytes },
    (request, reply) => {
      const flow = flows.ofPerson(request.params.token);
      if (!flow || flows.isOver(flow)) return send(reply.code(410), endedPage);
      const { act, code, intention } = request.body ?? {};
      if (act === 'abandon') return send(reply, abandonedPage);
      if (act === 'expire') {
        flows.expire(flow);
        return send(reply, expiredPage);
      }

      const chosen = act === 'pass' ? '0' : (code ?? '');
      const known = flow.codes.some((each) => each.code === chosen);
      if (!known) return send(reply.code(400), choicePage(flow));
      // One more attempt inside the same flow. It may be charged again.
      if (act === 'fail-and-retry') {
        flows.fail(flow, Number(chosen));
        return send(reply, choicePage(flow));
      }
      flows.finish(flow, [Number(chosen)], Number(intention ?? 0));
      const url = flow.returnUrl(flow);
      return url === null ? send(reply, finishedPage) : reply.redirect(url, 303);
    },
  );
}

/** E证通's URL "works once". For the others this is not documented, so an order decides. */
function isUsedUp({ channel, orders, state }: Flow): boolean {
  const opens = orders.get('url') ?? (channel === 'E_ID' ? 'once' : 'often');
  return opens === 'once' && state !== 'init';
}

function send(reply: FastifyReply, html: string): FastifyReply {
  return reply
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      // No form-action: Chrome applies it to the redirect after the form as well.
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    })
    .send(html);
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
  :root { color-scheme: light dark; font: 1.05rem/1.5 system-ui, sans-serif; }
  body { margin: 0 auto; max-width: 32rem; padding: 1rem; }
  .sandbox { background: #fde68a; color: #422006; padding: .75rem; border-radius: .5rem; }
  button, select { font: inherit; width: 100%; min-height: 3rem; margin-top: .5rem; border-radius: .5rem; }
  button { border: 1px solid currentColor; background: none; color: inherit; cursor: pointer; }
  button.main { background: #166534; border-color: #166534; color: #fff; }
  :focus-visible { outline: 3px solid #2563eb; outline-offset: 2px; }
  fieldset { border: 1px solid #8888; border-radius: .5rem; margin: 1rem 0; }
</style>
<p class="sandbox"><strong>沙箱 · Sandbox</strong><br>
没有真实的核身，也没有任何真实数据。<br>No real verification happens here, and no data is real.</p>
<main>${body}</main>
</html>`;
}

function choicePage(flow: Flow): string {
  const intentionCodes = flow.intentionMode === '1' ? readAloudCodes : questionCodes;
  const failures = flow.codes.filter(({ code }) => isFailure(code));
  const others = flow.codes.filter(({ code }) => code !== '0' && !isFailure(code));
  const intention =
    flow.intentionMode === null
      ? ''
      : `<label>意愿结果 · Intention ${select('intention', [{ label: '', codes: intentionCodes }])}</label>`;
  return page(
    '沙箱核身 · Sandbox verification',
    `<h1>核身如何结束？<br>How does it end?</h1>
<form method="post">
  ${intention}
  <button class="main" name="act" value="pass">通过 · Pass</button>
  <fieldset>
    <legend>失败 · Fail</legend>
    <label>结果码 · Result code ${select('code', [
      { label: '未通过 · Failures', codes: failures },
      ...(others.length > 0 ? [{ label: '其他 · Others', codes: others }] : []),
    ])}</label>
    <button name="act" value="fail">失败并返回 · Fail and go back</button>
    <button name="act" value="fail-and-retry">失败后重试 · Fail, then try again here</button>
  </fieldset>
  <button name="act" value="abandon">放弃 · Abandon</button>
  <button name="act" value="expire">过期 · Let it expire</button>
</form>`,
  );
}

function select(
  name: string,
  groups: readonly {
    readonly label: string;
    readonly codes: readonly { readonly code: string; readonly title: string }[];
  }[],
): string {
  const options = groups.map(({ label, codes }) => {
    const list = codes.map(
      ({ code, title }) => `<option value="${code}">${code} ${title}</option>`,
    );
    return label === '' ? list.join('') : `<optgroup label="${label}">${list.join('')}</optgroup>`;
  });
  return `<select name="${name}">${options.join('')}</select>`;
}

const abandonedPage = page(
  '已放弃 · Abandoned',
  '<h1>已放弃 · Abandoned</h1><p>可以关闭此页。到时核身会过期。<br>You may close this page. The verification expires when its time is over.</p>',
);

const expiredPage = page(
  '已过期 · Expired',
  '<h1>已过期 · Expired</h1><p>时间已到，无法继续。<br>The time is over. You cannot continue.</p>',
);

const finishedPage = page(
  '已完成 · Finished',
  '<h1>已完成 · Finished</h1><p>可以关闭此页。<br>You may close this page.</p>',
);

const endedPage = page(
  '链接已失效 · Link no longer valid',
  '<h1>链接已失效<br>This link is no longer valid</h1><p>它已被使用或已过期。<br>It was used or has expired.</p>',
);
