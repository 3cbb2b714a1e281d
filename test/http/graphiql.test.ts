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

it('GraphiQL: a reload keeps the tabs and their edits, with a new key', async () => {
  const page = await browser.openPage();
  await openGraphiql(page, `${app.url}/graphiql`);
  const names = () => page.getByRole('tab').allInnerTexts();
  const keyIn = (text: string) => /key-[0-9a-f]{8}/u.exec(text)?.[0];
  const variables = async () =>
    (await page.locator('.graphiql-editor-tool .view-lines').first().innerText()).replaceAll(
      '\u00a0',
      ' ',
    );
  const stored = () => page.evaluate(`localStorage.getItem('graphiql:tabState')`);
  await runTab(page, 'CheckCard');
  const before = await names();
  const keys = new Set<unknown>();
  for (let load = 0; load < 3; load++) {
    await until(async () => keyIn(String(await stored())) === keyIn(await variables()));
    keys.add(keyIn(await variables()));
    await openGraphiql(page, `${app.url}/graphiql`);
    expect(await names()).toEqual(before);
    const query = await page.locator('.graphiql-query-editor').innerText();
    expect(query).toMatch(/mutation\sCheckCard/u);
  }
  expect(keys.size).toBe(3);

  // Another window has written its own key meanwhile.
  await page.evaluate(
    `localStorage.setItem('graphiql:tabState', localStorage.getItem('graphiql:tabState').replaceAll(/key-[0-9a-f]{8}/g, 'key-00000000'))`,
  );
  await openGraphiql(page, `${app.url}/graphiql`);
  expect(keyIn(await variables())).not.toBe('key-00000000');
  // Tabs of an earlier version of the page.
  await page.evaluate(`localStorage.setItem('verification-subgraph:tabs', 'old')`);
  await page.evaluate(
    `localStorage.setItem('graphiql:tabState', '{"tabs":[],"activeTabIndex":0}')`,
  );
  await openGraphiql(page, `${app.url}/graphiql`);
  expect(await names()).toEqual(before);
  await page.close();
});

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
