import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFrontend } from '../../examples/frontend/start-frontend.ts';
import { startSupergraph } from '../../examples/supergraph/start-supergraph.ts';
import { openBrowser, type TestBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';

// examples/frontend in Chromium: the page, the client, Hive Gateway, and the emulated provider.

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let supergraph: Awaited<ReturnType<typeof startSupergraph>>;
let frontend: Awaited<ReturnType<typeof startFrontend>>;
let browser: TestBrowser;

beforeAll(async () => {
  browser = await openBrowser();
  const [gateway = 0, apollo = 0, accounts = 0, verification = 0, port = 0] = await Promise.all(
    Array.from({ length: 5 }, freePort),
  );
  const env = { PUBLIC_URL: `http://localhost:${verification}` };
  supergraph = await startSupergraph({ gateway, apollo, accounts, verification }, env);
  frontend = await startFrontend({ port, graphqlUrl: supergraph.gateway.url });
});
afterAll(async () => {
  await browser?.close();
  await frontend?.stop();
  await supergraph?.stop();
});

/** The page, with a verification that waits for its person. */
async function begin(): Promise<Page> {
  const page = await browser.openPage(360);
  await page.goto(frontend.url);
  await page.getByRole('button', { name: 'Verify me' }).click();
  await page.getByText('Continue on this device').waitFor();
  return page;
}

async function goOn(page: Page): Promise<void> {
  await page.getByText('Continue on this device').click();
  await page.waitForURL(/\/sandbox\/person\//u);
}

const says = (page: Page, text: string) => page.getByText(text).waitFor();
const again = (page: Page) => page.getByRole('button', { name: 'Start again' });
const idIn = (page: Page) => page.evaluate(`sessionStorage.getItem('verification-id')`);

/** How many subscriptions wait for an end. */
async function waiting(): Promise<number> {
  const { publicUrl } = supergraph.verification.config;
  const text = await (await fetch(`${publicUrl}/metrics`)).text();
  return Number(/^verification_subscriptions_open (\d+)$/mu.exec(text)?.[1]);
}

describe('the example of a frontend', () => {
  it('leads a person to the provider and back, and shows that they have passed', async () => {
    const page = await begin();
    expect(await idIn(page)).toMatch(/^ver_/u);
    await goOn(page);
    await page.getByRole('button', { name: 'Pass' }).click();
    await page.waitForURL(/\?verificationId=ver_/u);
    await says(page, 'Your verification is over');
    expect(await page.getByRole('status').innerText()).toMatch(/verified/iu);
    expect(await again(page).count()).toBe(0);
    await page.close();
  });

  it('shows a failure, and lets the person try again', async () => {
    const page = await begin();
    await goOn(page);
    await page.getByRole('button', { name: 'Fail and go back' }).click();
    await says(page, 'Your verification is over');
    await again(page).click();
    await says(page, 'Continue on this device');
    // The URL of the first attempt does not come back.
    const id = await idIn(page);
    await page.reload();
    await says(page, 'Your verification is open');
    await again(page).click();
    expect(await idIn(page)).toBe(id);
    await goOn(page);
    await page.getByRole('button', { name: 'Pass' }).click();
    await page.waitForURL(/\?verificationId=ver_/u);
    await says(page, 'Your verification is over');
    expect(await page.getByRole('status').innerText()).toMatch(/verified/iu);
    await page.close();
  });

  it('goes on after a reload, after the way back, and after another press', async () => {
    const page = await begin();
    const id = await idIn(page);
    await page.reload();
    await says(page, 'Your verification is open');
    // The launch was not used: the same verification.
    await again(page).click();
    await says(page, 'Continue on this device');
    expect(await idIn(page)).toBe(id);
    await goOn(page);
    await page.goBack();
    await says(page, 'Your verification is open');
    // It was used: another one. The provider is asked once a second at most.
    await until(async () => {
      await again(page).click();
      await says(page, 'Continue on this device');
      return (await idIn(page)) !== id;
    });
    await goOn(page);
    await page.getByRole('button', { name: 'Pass' }).click();
    await page.waitForURL(/\?verificationId=ver_/u);
    await says(page, 'Your verification is over');
    await page.close();
  });

  it('waits for a person who leaves the provider, and says when their time is over', async () => {
    const page = await begin();
    await goOn(page);
    await page.getByRole('button', { name: /Abandon/u }).click();
    await page.goto(frontend.url);
    await says(page, 'Your verification is open');
    await page.close();

    const late = await begin();
    await goOn(late);
    await late.getByRole('button', { name: /Let it expire/u }).click();
    await late.goto(frontend.url);
    await says(late, 'Your verification is over');
    expect(await again(late).count()).toBe(1);
    await late.close();
  });

  it('is told of a pass on the phone, without a poll', async () => {
    const page = await begin();
    const image = page.getByRole('img', { name: /QR code/u });
    await image.waitFor();
    expect(await waiting()).toBeGreaterThan(0);
    const polls: string[] = [];
    page.on('request', (request) => {
      if (request.postData()?.includes('query ReadVerification')) polls.push(request.url());
    });
    // As the code says, on another device.
    const answer = await fetch(supergraph.gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: 'query ($id: ID!) { verification(id: $id) { handoff { url } } }',
        variables: { id: await idIn(page) },
      }),
    });
    const { data } = (await answer.json()) as {
      readonly data: { readonly verification: { readonly handoff: { readonly url: string } } };
    };
    const phone = await browser.openPage(320);
    await phone.goto(data.verification.handoff.url);
    await phone.getByRole('button', { name: /Continue/u }).click();
    await phone.waitForURL(/\/sandbox\/person\//u);
    await phone.getByRole('button', { name: 'Pass' }).click();
    await phone.waitForURL(/\/return\//u);
    await says(page, 'Your verification is over');
    expect(polls).toEqual([]);
    await Promise.all([page.close(), phone.close()]);
  });

  it('says so if there is nothing to show', async () => {
    const page = await browser.openPage(360);
    await page.goto(`${frontend.url}/?verificationId=ver_AAAAAAAAAAAAAAAAAAAAAA`);
    await says(page, 'This did not work');
    expect(await page.getByRole('status').innerText()).toContain('There is nothing to show here');
    await page.close();
  });

  it('meets WCAG AA, and contacts this host only', async () => {
    const page = await begin();
    await page.getByRole('img').waitFor();
    const found = await page.evaluate(`(async () => {
      ${axe}
      const { violations } = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag22aa'] });
      return violations.map(({ id, nodes }) => id + ': ' + nodes.map((node) => node.html));
    })()`);
    expect(found).toEqual([]);
    await page.close();
    expect(browser.hosts()).toEqual(['localhost']);
    expect(browser.complaints()).toEqual([]);
  });
});
