import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { decodeQR } from 'qr/decode.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, startBrowsableApp, type TestBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { redactVerificationMutation } from '../support/operations.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

// From a desk to a phone, in Chromium.

const startMutation = `mutation ($input: StartVerificationInput!) {
  startVerification(input: $input) {
    ... on StartVerificationSuccess { verification { id } }
    ... on VerificationProblem { code message }
  }
}`;
const cancelMutation = `mutation ($id: ID!) { cancelVerification(id: $id) { __typename } }`;
const query = `query ($id: ID!) { verification(id: $id) {
  id status launchState handoff { url qrSvg expiresAt } expiresAt launch { __typename }
} }`;

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let app: TestApp;
let browser: TestBrowser;
let hours = 0;

beforeAll(async () => {
  browser = await openBrowser();
  app = await startBrowsableApp({ TENANT_NAMES: 'sandbox=Acme & Söhne <Bank>' });
});
afterAll(async () => {
  await browser?.close();
  await app?.stop();
});

let count = 0;
async function start(input: object = {}, target = app): Promise<string> {
  count += 1;
  const { data } = await target.send(startMutation, {
    input: { idempotencyKey: `handoff-${count}`, channel: 'E_ID', extra: `${count}`, ...input },
  });
  return data.startVerification.verification.id;
}

async function read(id: string, headers: Record<string, string> = {}) {
  const { data } = await app.send(query, { id }, headers);
  return data.verification;
}

/** Violations of WCAG 2.2 AA that axe finds, and the title of the page. */
async function check(page: Page): Promise<string> {
  // The page allows no script of its own.
  const found = (await page.evaluate(`(async () => {
    ${axe}
    const { violations } = await globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    const { scrollWidth, clientWidth } = document.documentElement;
    return {
      violations: violations.map(({ id, nodes }) => id + ': ' + nodes.map((node) => node.html)),
      isWide: scrollWidth > clientWidth,
    };
  })()`)) as { readonly violations: readonly string[]; readonly isWide: boolean };
  expect(found).toEqual({ violations: [], isWide: false });
  return (await page.locator('h1, h2').allInnerTexts()).join(' ');
}

/** Opens it on a small phone, in light and in dark colours. */
async function open(url: string): Promise<{ page: Page; title: string; status: number }> {
  const page = await browser.openPage(320);
  // A busy process refuses pages with 503, and a person reloads.
  const response = await until(async () => {
    const answer = await page.goto(url);
    return answer?.status() === 503 ? null : answer;
  });
  const title = await check(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  await check(page);
  await page.emulateMedia({ colorScheme: 'light' });
  return { page, title, status: response?.status() ?? 0 };
}

describe('a handoff', () => {
  it('leads a person by keyboard from the code on a desk to the provider, and ends there', async () => {
    const id = await start({ redirectUrl: 'https://desk.example/done' });
    const { handoff, expiresAt } = await read(id);
    expect(handoff.expiresAt).toBe(expiresAt);
    expect(new URL(handoff.url).pathname).toMatch(/^\/go\/[\w-]{46}$/u);
    expect(readQr(handoff.qrSvg)).toBe(handoff.url);

    const { page, title, status } = await open(handoff.url);
    expect(status).toBe(200);
    expect(title).toContain('身份核验');
    expect(title).toContain('Identity verification');
    const text = await page.locator('main').innerText();
    expect(text).toContain('Acme & Söhne <Bank>');
    expect(text).toMatch(/look into the camera/u);
    expect(text).toMatch(/begin within \d+ minutes/u);
    expect(text).toContain('面对摄像头');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/sandbox\/person\//u);
    await page.getByRole('button', { name: 'Pass' }).click();
    // Not on to the page of the desk, which would not know this phone.
    await page.waitForURL(/\/return\//u);
    expect(await check(page)).toContain('The verification is over');
    await until(async () => (await read(id)).status === 'PASSED');
    await page.close();
  });

  it('is for the caller and the user only, and goes with the launch', async () => {
    const id = await start({ userId: 'sandbox-user' });
    const other = { 'x-user-id': 'eve', 'x-scopes': 'verification:read verification:any-user' };
    expect(await read(id, other)).toMatchObject({ handoff: null, launchState: 'HIDDEN' });
    expect(await read(id, { 'x-tenant-id': 'other' })).toBeNull();
    await app.send(cancelMutation, { id });
    expect(await read(id)).toMatchObject({ handoff: null, launchState: 'CLOSED' });
    const sdk = await start({ channel: 'FACE_SDK', referenceImage: 'aGFsbG8=' });
    expect(await read(sdk)).toMatchObject({ handoff: null, launchState: 'OPEN' });
  });

  it('works once: of two people with the same code one goes on, and the desk can show a new one', async () => {
    const id = await start({ channel: 'FACE_WEB', provider: 'oemcloud', subject: person });
    const { url } = (await read(id)).handoff;
    // Programs that preview links open them too.
    for (let time = 0; time < 3; time++) expect((await fetch(url)).status).toBe(200);
    const pages = await Promise.all([url, url, url].map(keyOf));
    const answers = await Promise.all(pages.map((key) => go(url, key)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([303, 410, 410]);
    const { title, page } = await open(url);
    expect(title).toContain('This link has already been used');
    expect(await page.locator('main').innerText()).toContain('show a new code there');
    expect(await page.getByRole('button').count()).toBe(0);
    await page.close();
    const again = await read(id);
    expect(again).toMatchObject({ launchState: 'OPEN' });
    expect(again.handoff.url).not.toBe(url);
    expect((await fetch(again.handoff.url)).status).toBe(200);
  });

  it('takes a second press on the same page for the first one, and no other page', async () => {
    const id = await start({ channel: 'FACE_WEB', provider: 'oemcloud', subject: person });
    const { url } = (await read(id)).handoff;
    const [key, other] = [await keyOf(url), await keyOf(url)];
    const [first, second] = [await go(url, key), await go(url, key)];
    expect([first.status, second.status]).toEqual([303, 303]);
    expect(second.headers.get('location')).toBe(first.headers.get('location'));
    for (const wrong of [other, '', `${key}A`]) expect((await go(url, wrong)).status).toBe(410);
    // It was one use: the next code is the second one.
    const again = (await read(id)).handoff.url;
    expect((await go(again, await keyOf(again))).status).toBe(303);
    expect((await go(url, key)).status).toBe(410);
  });

  it('leaves the desk its own way back', async () => {
    const id = await start({ redirectUrl: 'https://desk.example/done' });
    const { url } = (await read(id)).handoff;
    // Somebody looks at the code, and the person goes on at the desk.
    const answer = await go(url, await keyOf(url));
    const launchUrl = answer.headers.get('location') ?? '';
    await fetch(launchUrl);
    const passed = await fetch(launchUrl, {
      ...{ method: 'POST', redirect: 'manual', body: 'act=pass' },
      headers: form,
    });
    const wayBack = passed.headers.get('location') ?? '';
    const desk = await fetch(wayBack, { redirect: 'manual' });
    expect(desk.headers.get('location')).toBe(`https://desk.example/done?verificationId=${id}`);
    const cookie = answer.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    const phone = await fetch(wayBack, { redirect: 'manual', headers: { cookie } });
    expect(phone.status).toBe(200);
    const forged = cookie.replace(/.$/u, (last: string) => (last === 'A' ? 'B' : 'A'));
    const stranger = await fetch(wayBack, { redirect: 'manual', headers: { cookie: forged } });
    expect(stranger.status).toBe(303);
  });

  it('says that somebody has begun', async () => {
    const id = await start();
    const { handoff } = await read(id);
    const { data } = await app.send(
      'query ($id: ID!) { verification(id: $id) { launch { ... on VerificationRedirect { url } } } }',
      { id },
    );
    await fetch(data.verification.launch.url);
    await until(async () => (await read(id)).launchState === 'USED');
    const { title, status, page } = await open(handoff.url);
    expect([title, status]).toEqual([expect.stringContaining('has already begun'), 410]);
    await page.close();
  });

  it('shows a page for requests that are wrong, too', async () => {
    const { url } = (await read(await start())).handoff;
    const large = await fetch(url, { method: 'POST', body: 'x'.repeat(5000), headers: form });
    expect([large.status, large.headers.get('content-type')]).toEqual([
      ...[413, 'text/html; charset=utf-8'],
    ]);
    const put = await fetch(url, { method: 'PUT' });
    expect([put.status, await put.text()]).toEqual([404, expect.stringContaining('<h1>')]);
  });

  it('says in words why it cannot go on, and what to do next', async () => {
    const cancelled = await start();
    const closed = (await read(cancelled)).handoff.url;
    await app.send(cancelMutation, { id: cancelled });
    const redacted = await start();
    const gone = (await read(redacted)).handoff.url;
    await app.send(redactVerificationMutation, { id: redacted });
    for (const url of [closed, gone]) {
      const { title, status, page } = await open(url);
      expect([title, status]).toEqual([expect.stringContaining('This verification is over'), 410]);
      expect(await page.locator('main').innerText()).toContain('Go back to the device');
      await page.close();
    }
    const { origin } = new URL(closed);
    const flipped = closed.replace(/.(?=.$)/u, (last: string) => (last === 'A' ? 'B' : 'A'));
    const wrong = [flipped, `${closed}A`, `${origin}/go/x`, `${origin}/go/a/b`, `${origin}/go/%00`];
    for (const url of wrong) {
      const { title, status, page } = await open(url);
      expect([title, status]).toEqual([expect.stringContaining('This link is not valid'), 404]);
      await page.close();
    }
  });

  it('says when its time is over', async () => {
    const port = String(await freePort());
    const target = await startTestApp({
      env: { PORT: port, PUBLIC_URL: `http://localhost:${port}` },
      now: () => Date.now() + hours * 3_600_000,
    });
    const id = await start({}, target);
    const { data } = await target.send(query, { id });
    hours = 1;
    const { title, status, page } = await open(data.verification.handoff.url);
    expect([title, status]).toEqual([expect.stringContaining('Time is up'), 410]);
    await page.close();
    await target.stop();
    hours = 0;
  });

  it('and the return page are kept out of search engines, caches and frames', async () => {
    const { url } = (await read(await start())).handoff;
    const { origin } = new URL(url);
    for (const each of [url, `${origin}/return/x`]) {
      const { headers } = await fetch(each);
      expect(Object.fromEntries(headers)).toMatchObject({
        ...{ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
        'x-robots-tag': 'noindex',
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      });
    }
    const { page } = await open(`${origin}/return/x`);
    await page.close();
  });
});

it('no capability is in the log', () => {
  expect(app.logLines.join('')).not.toMatch(/\/go\/|\/return\//u);
});

const person = { name: '韦小宝', idNumber: '11204416541220243X' };
const form = { 'content-type': 'application/x-www-form-urlencoded' };

/** What the page of a code sends back with its form. */
async function keyOf(url: string): Promise<string> {
  const [, key = ''] =
    /name="page" value="([\w-]{22})"/u.exec(await (await fetch(url)).text()) ?? [];
  expect(key).not.toBe('');
  return key;
}

const go = (url: string, page: string) =>
  fetch(url, {
    ...{ method: 'POST', redirect: 'manual', headers: form },
    body: new URLSearchParams({ page }).toString(),
  });

/** What a camera would read. */
function readQr(svg: string): string {
  const size = Number(/viewBox="0 0 (\d+) /u.exec(svg)?.[1]);
  const scale = 4;
  const side = size * scale;
  const data = new Uint8Array(side * side * 4).fill(255);
  for (const [, x, y, width] of svg.matchAll(/M(\d+) (\d+)h(\d+)/gu)) {
    for (let down = 0; down < scale; down++) {
      for (let right = 0; right < Number(width) * scale; right++) {
        const at = ((Number(y) * scale + down) * side + Number(x) * scale + right) * 4;
        data.fill(0, at, at + 3);
      }
    }
  }
  return decodeQR({ width: side, height: side, data });
}
