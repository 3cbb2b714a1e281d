import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chromiumPath } from '../../scripts/find-chromium.ts';
import { freePort } from '../support/free-port.ts';
import { startMutation, verificationQuery } from '../support/operations.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

let browser: Browser;
let app: TestApp;
const requested: string[] = [];
const complaints: string[] = [];

beforeAll(async () => {
  const executablePath = chromiumPath();
  if (!executablePath) throw new Error('No Chromium. Run: node scripts/ensure-system-tools.ts');
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const port = await freePort();
  app = await startTestApp({
    env: { PORT: String(port), PUBLIC_URL: `http://localhost:${port}` },
  });
});
afterAll(async () => {
  await browser?.close();
  await app?.stop();
});

async function openPage(width = 1280): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height: 800 } });
  page.on('request', (request) => requested.push(request.url()));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return page;
}

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
  const page = await openPage();
  await page.goto(`${app.url}/graphiql`);
  const started = await runTab(page, 'Start');
  expect(started).toContain('"PENDING"');
  const [launchUrl] =
    /http:\/\/localhost:\d+\/sandbox\/person\/[\w-]+/u.exec(started.replaceAll(/\s/gu, '')) ?? [];
  if (!launchUrl) throw new Error('no launch URL');

  const person = await openPage(360);
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
  const page = await openPage();
  await page.goto(`${app.url}/graphiql`);
  expect(await runTab(page, 'CheckCard')).toContain('"MATCHED"');
  expect(await runTab(page, 'Providers')).toContain('"tencent-cn"');
});

it('the person’s page: failing twice, then abandoning, and where the browser goes', async () => {
  const back = `http://localhost:${app.config.port}/health/live?from=idv`;
  const start = async (idempotencyKey: string) => {
    const { data } = await app.send(startMutation, {
      input: { idempotencyKey, channel: 'E_ID', redirectUrl: back },
    });
    return data.startVerification.verification;
  };
  const failing = await start('failing');
  const person = await openPage();
  await person.goto(failing.launch.url);
  await person.selectOption('select[name=code]', '2016');
  await person.getByRole('button', { name: 'Fail, then try again here' }).click();
  await person.selectOption('select[name=code]', '2006');
  await person.getByRole('button', { name: 'Fail and go back' }).click();
  await person.waitForURL(/\/health\/live/u);
  // The caller's own query, our id, and nothing of the provider's.
  expect(person.url()).toBe(`${back}&verificationId=${failing.id}`);
  const failed = await app.send(verificationQuery, { id: failing.id });
  expect(failed.data.verification).toMatchObject({
    status: 'FAILED',
    outcome: { code: '2006', billing: 'CHARGED', chargedAttempts: 2 },
  });

  const abandoned = await start('abandoned');
  await person.goto(abandoned.launch.url);
  await person.getByRole('button', { name: /Abandon/u }).click();
  expect(await person.locator('body').innerText()).toContain('After ten minutes');
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const left = await app.send(verificationQuery, { id: abandoned.id });
  expect(left.data.verification).toMatchObject({ status: 'PENDING', launch: null });
});

it('the person’s page: the other channels, from GraphQL to the outcome', async () => {
  const person = await openPage(360);
  const outcomeOf = (id: string) =>
    until(async () => {
      const { data } = await app.send(verificationQuery, { id });
      return data.verification.status === 'PENDING' ? null : data.verification;
    });

  const referenceImage = Buffer.from('not a picture').toString('base64');
  const web = await app.send(startMutation, {
    input: { idempotencyKey: 'web', channel: 'FACE_WEB', referenceImage },
  });
  const started = web.data.startVerification.verification;
  await person.goto(started.launch.url);
  await person.selectOption('select[name=code]', '1410');
  await person.getByRole('button', { name: 'Fail and go back' }).click();
  await person.waitForURL(/\/return\//u);
  expect(await outcomeOf(started.id)).toMatchObject({
    status: 'CANCELLED',
    provider: { id: 'tencent-intl' },
    outcome: { code: '1410', billing: 'NOT_CHARGED' },
  });

  // The app SDK has no URL: the sandbox has a page for its token all the same.
  const sdk = await app.send(startMutation, {
    input: { idempotencyKey: 'sdk', channel: 'FACE_SDK', referenceImage },
  });
  const { id, launch } = sdk.data.startVerification.verification;
  await person.goto(`${app.url}/sandbox/person/${launch.token}`);
  await person.getByRole('button', { name: 'Pass' }).click();
  await person.getByText('Finished').first().waitFor();
  expect(await outcomeOf(id)).toMatchObject({
    status: 'PASSED',
    checks: ['LIVENESS', 'FACE_MATCH'],
  });
});

it('no request left the host, and the browser had nothing to complain of', () => {
  const hosts = new Set(
    requested.filter((url) => url.startsWith('http')).map((url) => new URL(url).hostname),
  );
  expect([...hosts].toSorted()).toEqual(['127.0.0.1', 'localhost']);
  expect(complaints.filter((text) => !text.includes('favicon') && !text.includes('404'))).toEqual(
    [],
  );
});
