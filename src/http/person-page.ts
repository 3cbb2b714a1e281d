import type { FastifyReply } from 'fastify';
import type { PageLanguage } from '../core/tenants/tenant-rules.ts';

/** What a page says, in one language. */
export interface PageText {
  readonly title: string;
  readonly lines: readonly string[];
  /** The label of the button that goes on; without it there is none. */
  readonly button?: string;
}

export interface PersonPage {
  readonly status: number;
  readonly zh: PageText;
  readonly en: PageText;
  /** In order; by default both. */
  readonly languages?: readonly PageLanguage[];
}

/** The store does not respond, or the process is busy. */
export const tryLaterPage = {
  status: 503,
  zh: { title: '暂时无法继续', lines: ['请稍后刷新此页。'] },
  en: { title: 'This cannot continue right now', lines: ['Please reload this page in a moment.'] },
} as const satisfies PersonPage;

const policy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const style = `
:root { color-scheme: light dark; font: 1.0625rem/1.6 system-ui, -apple-system, "PingFang SC", "Noto Sans SC", sans-serif }
body { margin: 0; background: #fff; color: #1b1b1b }
main { box-sizing: border-box; max-width: 34rem; margin: 0 auto; padding: 5vh 1.25rem 1.5rem; overflow-wrap: anywhere }
h1, h2 { font-size: 1.5rem; line-height: 1.3; margin: 0 0 0.75rem }
p { margin: 0.5rem 0 }
section + section { margin-top: 1.5rem; padding-top: 1.25rem; border-top: 1px solid #767676 }
/* Within sight on a small phone too. */
form { position: sticky; bottom: 0; margin: 1.25rem -1.25rem 0; padding: 0.75rem 1.25rem 1rem; background: inherit }
main { background: inherit }
button { box-sizing: border-box; width: 100%; min-height: 3rem; margin: 0; padding: 0.75rem 1rem; border: 1px solid transparent;
  border-radius: 0.5rem; background: #0b57d0; color: #fff; font: inherit; font-weight: 600; cursor: pointer }
button:focus-visible { outline: 3px solid #b25e00; outline-offset: 3px }
@media (prefers-color-scheme: dark) {
  body { background: #131313; color: #ededed }
  button { background: #a8c7fa; color: #062e6f }
  button:focus-visible { outline-color: #ffb95c }
}`;

/**
 * Sends a page for a person who was verified or is about to be, in Chinese and English. It needs no script, fits a phone
 * that is 320 pixels wide, follows the colours of the system, and meets WCAG 2.2 AA. `pageKey` comes back with its form.
 */
export function sendPersonPage(
  reply: FastifyReply,
  { status, zh, en, languages = ['zh', 'en'] }: PersonPage,
  pageKey = '',
): FastifyReply {
  return reply
    .code(status)
    .type('text/html; charset=utf-8')
    .headers({
      // Chrome applies form-action to the redirect after the form as well, which leads to any provider.
      'content-security-policy': zh.button === undefined ? `${policy}; form-action 'none'` : policy,
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex',
    })
    .send(render({ zh, en }, languages, pageKey));
}

function render(
  texts: Readonly<Record<PageLanguage, PageText>>,
  languages: readonly PageLanguage[],
  pageKey: string,
): string {
  const titles = languages.map((language) => escape(texts[language].title));
  const labels = languages.flatMap((language) => {
    const { button: label } = texts[language];
    return label === undefined
      ? []
      : [`<span lang="${htmlLanguages[language]}">${escape(label)}</span>`];
  });
  const button =
    labels.length === 0
      ? ''
      : `<form method="post"><input type="hidden" name="page" value="${pageKey}"><button>${labels.join(' ')}</button></form>`;
  const sections = languages.map(
    (language, at) =>
      `<section lang="${htmlLanguages[language]}">${heading(at === 0 ? 'h1' : 'h2', texts[language])}${paragraphs(texts[language])}</section>`,
  );
  return `<!doctype html>
<html lang="${htmlLanguages[languages[0] ?? 'zh']}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${titles.join(' · ')}</title>
<style>${style}</style>
</head>
<body>
<main>
${sections.join('\n')}
${button}
</main>
</body>
</html>
`;
}

const htmlLanguages = { zh: 'zh-CN', en: 'en' } as const satisfies Record<PageLanguage, string>;

function heading(tag: 'h1' | 'h2', { title }: PageText): string {
  return `<${tag}>${escape(title)}</${tag}>`;
}

function paragraphs({ lines }: PageText): string {
  return lines.map((line) => `<p>${escape(line)}</p>`).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/gu, (character) => entities[character] ?? '');
}
