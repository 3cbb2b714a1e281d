import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { ruruHTML, type RuruClientConfig } from 'ruru/server';
import { getStaticFile } from 'ruru/static';
import { exampleSteps, exampleTabs, type ExampleTab } from '../example-tabs.ts';
import {
  guideContent,
  guideInitScript,
  guideScript,
  guideStyle,
  guideTitle,
  type GuideOptions,
} from '../graphiql-guide.ts';

const staticPath = '/graphiql/static/';

export interface GraphiqlOptions extends GuideOptions {
  readonly tabs: readonly ExampleTab[];
}

/** GraphiQL from local files: no request leaves the host. Its tabs contain invented people only. */
export function registerGraphiql(
  server: FastifyInstance,
  { tabs, ...guide }: GraphiqlOptions = { tabs: exampleTabs, steps: exampleSteps },
): void {
  const [first] = tabs;
  // Ruru's type requires every option and lacks `defaultTabs`, which works anyway. It needs the first tab's
  // variables and headers a second time.
  const clientConfig = {
    defaultTabs: tabs,
    initialVariables: first?.variables,
    initialHeaders: first?.headers,
    isHeadersEditorEnabled: true,
    guideVersion: createHash('sha256').update(JSON.stringify(tabs)).digest('hex').slice(0, 12),
  } as unknown as RuruClientConfig;
  const html = ruruHTML({
    ...{ staticPath, endpoint: '/graphql', clientConfig },
    htmlParts: {
      titleTag: guideTitle,
      styleTags: (original) => `${original}\n${guideStyle}`,
      configScript: (original) => `${original}\n${guideScript}`,
      bodyContent: (original) => `${guideContent(guide)}\n${original}`,
      bodyInitScript: (original) => guideInitScript(guide, original),
    },
  });
  const contentSecurityPolicy = policyFor(html);

  for (const url of ['/', '/graphiql/']) {
    server.get(url, (_request, reply) => reply.redirect('/graphiql'));
  }
  server.get('/graphiql', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .headers({ 'content-security-policy': contentSecurityPolicy, 'cache-control': 'no-store' })
      .send(html),
  );

  server.get(`${staticPath}*`, async (request, reply) => {
    const file = await getStaticFile({
      staticPath,
      urlPath: request.url.split('?')[0] ?? '',
      acceptEncoding: request.headers['accept-encoding'],
      disallowDevAssets: true,
    });
    if (!file) return reply.callNotFound();
    return reply.headers(file.headers).send(file.content);
  });
}

/** Allows the page's own inline scripts by their hashes, and nothing from other origins. */
function policyFor(html: string): string {
  const hashes = [...html.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/gu)].map(
    ([, script]) =>
      `'sha256-${createHash('sha256')
        .update(script ?? '')
        .digest('base64')}'`,
  );
  return [
    "default-src 'none'",
    `script-src 'self' ${hashes.join(' ')}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "worker-src 'self'",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "form-action 'none'",
    "base-uri 'none'",
  ].join('; ');
}
