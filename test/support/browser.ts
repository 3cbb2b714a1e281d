import { chromium, type Page } from 'playwright-core';
import { chromiumPath } from '../../scripts/find-chromium.ts';
import { freePort } from './free-port.ts';
import { startTestApp, type TestApp } from './test-app.ts';

export interface TestBrowser {
  readonly openPage: (width?: number) => Promise<Page>;
  /** Every host that a page contacted. */
  readonly hosts: () => string[];
  /** Errors in the consoles of the pages. */
  readonly complaints: () => string[];
  readonly close: () => Promise<void>;
}

/** Chromium as the scripts install it. */
export async function openBrowser(): Promise<TestBrowser> {
  const executablePath = chromiumPath();
  if (!executablePath) throw new Error('No Chromium. Run: node scripts/ensure-system-tools.ts');
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const requested: string[] = [];
  const complaints: string[] = [];
  return {
    openPage: async (width = 1280) => {
      const page = await browser.newPage({ viewport: { width, height: 800 } });
      // On a busy machine a page of GraphiQL needs more than Playwright's 30 s.
      page.setDefaultTimeout(120_000);
      // Of the windows that it opens too.
      page.context().on('request', (request) => requested.push(request.url()));
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(error.message));
      return page;
    },
    hosts: () => {
      const urls = requested.filter((url) => url.startsWith('http'));
      return [...new Set(urls.map((url) => new URL(url).hostname))].toSorted();
    },
    complaints: () =>
      complaints.filter((text) => !text.includes('favicon') && !/40[04]|410/u.test(text)),
    close: () => browser.close(),
  };
}

/** The app at an address that the browser can reach, also for links of the app. */
export async function startBrowsableApp(env: Record<string, string> = {}): Promise<TestApp> {
  const port = await freePort();
  return startTestApp({
    env: { PORT: String(port), PUBLIC_URL: `http://localhost:${port}`, ...env },
  });
}
