import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBrowser, startBrowsableApp, type TestBrowser } from '../support/browser.ts';
import { openGraphiql, runTab } from '../support/run-tab.ts';
import type { TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

let app: TestApp;
let browser: TestBrowser;

beforeAll(async () => {
  browser = await openBrowser();
  app = await startBrowsableApp();
});
afterAll(async () => {
  await browser?.close();
  await app?.stop();
});

it('GraphiQL: a person starts a verification, passes the page and reads the outcome', async () => {
  const page = await browser.openPage();
  await openGraphiql(page, `${app.url}/graphiql`);
  const started = await runTab(page, 'Start');
  expect(started).toContain('"PENDING"');
  const [launchUrl] =
    /http:\/\/localhost:\d+\/sandbox\/person\/[\w-]+/u.exec(started.replaceAll(/\s/gu, '')) ?? [];
  if (!launchUrl) throw new Error('no launch URL');

  const person = await browser.openPage(360);
  // A busy process refuses pages with 503, and the person reloads.
  await until(async () => (await person.goto(launchUrl))?.status() === 200, 60_000);
  expect(await person.locator('body').innerText()).toContain('No real verification happens here');
  const overflow = await person.evaluate(
    'document.documentElement.scrollWidth > document.documentElement.clientWidth',
  );
  expect(overflow).toBe(false);
  // By keyboard alone.
  await person.keyboard.press('Tab');
  await person.keyboard.press('Enter');
  await person.waitForURL(/\/return\//u);
  expect(await person.locator('body').innerText()).toContain('The verification is over');

  const outcome = await runTab(page, 'Outcome');
  expect(outcome).toContain('"PASSED"');
  expect(outcome).toContain('"replayed": true');
  expect(outcome).toContain('"CHARGED"');
}, 300_000);

it('GraphiQL: every tab runs unchanged', async () => {
  const page = await browser.openPage();
  await openGraphiql(page, `${app.url}/graphiql`);
  expect(await runTab(page, 'CheckCard')).toContain('"MATCHED"');
  expect(await runTab(page, 'Providers')).toContain('"tencent-cn"');
}, 300_000);

it('GraphiQL: the browser contacts this host only, and logs no errors', () => {
  expect(browser.hosts()).toEqual(['127.0.0.1', 'localhost']);
  expect(browser.complaints()).toEqual([]);
});
