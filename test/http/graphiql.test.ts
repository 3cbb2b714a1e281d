import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBrowser, startBrowsableApp, type TestBrowser } from '../support/browser.ts';
import { openGraphiql, runTab } from '../support/run-tab.ts';
import type { TestApp } from '../support/test-app.ts';

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

  const link = page.getByRole('link', { name: 'Open as the person' });
  expect(await link.getAttribute('href')).toBe(launchUrl);
  const opening = page.waitForEvent('popup');
  await link.click();
  const person = await opening;
  await person.setViewportSize({ width: 360, height: 800 });
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

  // Both tabs have the key of this page.
  const outcome = await runTab(page, 'Outcome');
  expect(outcome).toContain('"PASSED"');
  expect(outcome).toContain('"replayed": true');
  expect(outcome).toContain('"CHARGED"');
  expect(await link.isVisible()).toBe(false);

  // With the key of another page, the same tabs are about another verification.
  await openGraphiql(page, `${app.url}/graphiql`);
  expect(await runTab(page, 'Outcome')).toContain('"PENDING"');
}, 300_000);

it('GraphiQL: says whose it is, and what to do', async () => {
  const page = await browser.openPage();
  await openGraphiql(page, `${app.url}/graphiql`);
  expect(await page.title()).toBe('verification-subgraph');
  expect(await page.locator('link[rel=icon]').getAttribute('href')).toMatch(/^data:image/u);
  const guide = page.locator('#guide');
  expect(await guide.isVisible()).toBe(true);
  expect(await guide.innerText()).toContain('Run Start');
  await page.close();
});

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
