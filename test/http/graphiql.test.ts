import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBrowser, startBrowsableApp, type TestBrowser } from '../support/browser.ts';
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

/** What the result pane shows, however its editor draws blanks. */
async function resultText(page: Page): Promise<string> {
  const text = await page.locator('.result-window').innerText();
  return text.replaceAll('\u00a0', ' ');
}

async function runTab(page: Page, name: string): Promise<string> {
  // As a person would, look before clicking: the editor is filled a moment after the tab is shown,
  // and takes over its operation a moment later still.
  await page.locator('.graphiql-query-editor .view-lines').waitFor();
  await until(async () => {
    await page.getByRole('tab', { name }).click();
    await page.waitForTimeout(800);
    const text = await page.locator('.graphiql-query-editor').innerText();
    return new RegExp(`(?:mutation|query)\\s${name}\\b`, 'u').test(text);
  });
  await page.getByRole('button', { name: /execute query/iu }).click();
  return until(async () => {
    const text = await resultText(page);
    return text.includes('"data"') || text.includes('"errors"') ? text : null;
  });
}

it('GraphiQL: a person starts, goes through the page and reads the outcome', async () => {
  const page = await browser.openPage();
  await page.goto(`${app.url}/graphiql`);
  const started = await runTab(page, 'Start');
  expect(started).toContain('"PENDING"');
  const [launchUrl] =
    /http:\/\/localhost:\d+\/sandbox\/person\/[\w-]+/u.exec(started.replaceAll(/\s/gu, '')) ?? [];
  if (!launchUrl) throw new Error('no launch URL');

  const person = await browser.openPage(360);
  await person.goto(launchUrl);
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
});

it('GraphiQL: every tab runs as it is', async () => {
  const page = await browser.openPage();
  await page.goto(`${app.url}/graphiql`);
  expect(await runTab(page, 'CheckCard')).toContain('"MATCHED"');
  expect(await runTab(page, 'Providers')).toContain('"tencent-cn"');
});

it('no request left the host, and the browser had nothing to complain of', () => {
  expect(browser.hosts()).toEqual(['127.0.0.1', 'localhost']);
  expect(browser.complaints()).toEqual([]);
});
