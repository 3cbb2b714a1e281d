import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, startBrowsableApp, type TestBrowser } from '../support/browser.ts';
import { startMutation, verificationQuery } from '../support/operations.ts';
import type { TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
const referenceImage = Buffer.from('not a picture').toString('base64');

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

let keys = 0;
async function begin(input: object, target = app) {
  keys += 1;
  const { data } = await target.send(startMutation, {
    input: { idempotencyKey: `page-${keys}`, ...input },
  });
  const { verification } = data.startVerification;
  if (!verification) throw new Error(JSON.stringify(data));
  return verification;
}

function outcomeOf(id: string, target = app) {
  return until(async () => {
    const { data } = await target.send(verificationQuery, { id });
    return data.verification.status === 'PENDING' ? null : data.verification;
  });
}

interface Walk {
  readonly name: string;
  readonly input: object;
  /** A failure that the page offers, and the outcome that it gives. */
  readonly failure: { readonly code: string; readonly reason: string };
  readonly comesBack: boolean;
}

const oemcloud = { provider: 'oemcloud', subject };
const walks: readonly Walk[] = [
  {
    name: 'E_ID',
    input: { channel: 'E_ID' },
    failure: { code: '2016', reason: 'FACE_MISMATCH' },
    comesBack: true,
  },
  {
    name: 'FACE_SDK',
    input: { channel: 'FACE_SDK', referenceImage },
    failure: { code: '1004', reason: 'LIVENESS_FAILED' },
    comesBack: false,
  },
  {
    name: 'FACE_WEB of tencent-intl',
    input: { channel: 'FACE_WEB', provider: 'tencent-intl', referenceImage },
    failure: { code: '1002', reason: 'SPOOF_SUSPECTED' },
    comesBack: true,
  },
  {
    name: 'FACE_WEB of oemcloud',
    input: { channel: 'FACE_WEB', ...oemcloud },
    failure: { code: '1445900', reason: 'FACE_MISMATCH' },
    comesBack: true,
  },
  {
    name: 'FACE_ALIPAY',
    input: { channel: 'FACE_ALIPAY', ...oemcloud },
    failure: { code: '1445813', reason: 'CAPTURE_FAILED' },
    comesBack: true,
  },
  {
    name: 'FACE_WECHAT_MINI_PROGRAM',
    input: { channel: 'FACE_WECHAT_MINI_PROGRAM', ...oemcloud },
    failure: { code: '1445902', reason: 'IDENTITY_MISMATCH' },
    comesBack: false,
  },
];

/** The URL of a launch, or the page that the sandbox has for an SDK token. */
function pageOf({ url, token }: { readonly url?: string; readonly token?: string }): string {
  return url ?? `${app.url}/sandbox/person/${token ?? ''}`;
}

describe.each(walks)('the sandbox page of $name', ({ input, failure, comesBack }) => {
  it('passes by keyboard alone on a small phone, and says that it is a sandbox', async () => {
    const { id, launch } = await begin(input);
    const person = await browser.openPage(360);
    await person.goto(pageOf(launch));
    const text = await person.locator('body').innerText();
    expect(text).toContain('No real verification happens here');
    expect(text).toContain('没有真实的核身');
    const overflow = await person.evaluate(
      'document.documentElement.scrollWidth > document.documentElement.clientWidth',
    );
    expect(overflow).toBe(false);
    await person.keyboard.press('Tab');
    await person.keyboard.press('Enter');
    await person
      .getByText(comesBack ? 'The verification is over' : 'Finished')
      .first()
      .waitFor();
    expect(await outcomeOf(id)).toMatchObject({ status: 'PASSED' });
    await person.close();
  });

  it('fails with the chosen code', async () => {
    const { id, launch } = await begin(input);
    const person = await browser.openPage(360);
    await person.goto(pageOf(launch));
    await person.selectOption('select[name=code]', failure.code);
    await person.getByRole('button', { name: 'Fail and go back' }).click();
    expect(await outcomeOf(id)).toMatchObject({ status: 'FAILED', outcome: failure });
    await person.close();
  });

  it('expires, and does not open again', async () => {
    const { id, launch } = await begin(input);
    const person = await browser.openPage(360);
    await person.goto(pageOf(launch));
    await person.getByRole('button', { name: 'Let it expire' }).click();
    expect(await person.locator('body').innerText()).toContain('You cannot continue');
    expect(await outcomeOf(id)).toMatchObject({
      status: 'EXPIRED',
      outcome: { reason: 'TIMED_OUT' },
    });
    await person.goto(pageOf(launch));
    expect(await person.locator('body').innerText()).toContain('no longer valid');
    await person.close();
  });

  it('leaves the verification pending when the person abandons it', async () => {
    const { id, launch } = await begin(input);
    const person = await browser.openPage(360);
    await person.goto(pageOf(launch));
    await person.getByRole('button', { name: /Abandon/u }).click();
    expect(await person.locator('body').innerText()).toContain('expires when its time is over');
    const { data } = await app.send(verificationQuery, { id });
    expect(data.verification).toMatchObject({ status: 'PENDING', outcome: null });
    await person.close();
  });
});

describe('the sandbox page', () => {
  it('counts every attempt, and redirects to the caller’s URL with only our id added', async () => {
    const back = `http://localhost:${app.config.port}/health/live?from=idv`;
    const { id, launch } = await begin({ channel: 'E_ID', redirectUrl: back });
    const person = await browser.openPage();
    await person.goto(launch.url);
    await person.selectOption('select[name=code]', '2016');
    await person.getByRole('button', { name: 'Fail, then try again here' }).click();
    await person.selectOption('select[name=code]', '2006');
    await person.getByRole('button', { name: 'Fail and go back' }).click();
    await person.waitForURL(/\/health\/live/u);
    expect(person.url()).toBe(`${back}&verificationId=${id}`);
    expect(await outcomeOf(id)).toMatchObject({
      status: 'FAILED',
      outcome: { code: '2006', billing: 'CHARGED', chargedAttempts: 2 },
    });
  });

  it('removes the launch once an E证通 URL was opened', async () => {
    const { id, launch } = await begin({ channel: 'E_ID' });
    await fetch(launch.url);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const { data } = await app.send(verificationQuery, { id });
    expect(data.verification).toMatchObject({ status: 'PENDING', launch: null });
  });

  it('opens once when the scenario says so, and still passes', async () => {
    const { id, launch } = await begin({ channel: 'E_ID', extra: 'sandbox:url=once' });
    const person = await browser.openPage();
    await person.goto(launch.url);
    expect((await fetch(launch.url)).status).toBe(410);
    await person.getByRole('button', { name: 'Pass' }).click();
    expect(await outcomeOf(id)).toMatchObject({ status: 'PASSED' });
  });

  it('sends a notification when the outcome is only notified', async () => {
    const notified = await startBrowsableApp({ OEMCLOUD_OUTCOME: 'notification' });
    try {
      const { id, launch } = await begin({ channel: 'FACE_ALIPAY', ...oemcloud }, notified);
      const person = await browser.openPage();
      // The provider's GET when the page opens changes nothing.
      await person.goto(launch.url);
      const { data } = await notified.send(verificationQuery, { id });
      expect(data.verification).toMatchObject({ status: 'PENDING' });
      await person.getByRole('button', { name: 'Pass' }).click();
      expect(await outcomeOf(id, notified)).toMatchObject({
        status: 'PASSED',
        outcome: { evidence: 'NOTIFIED', billing: 'UNKNOWN' },
      });
    } finally {
      await notified.stop();
    }
  });

  it('contacts this host only, and logs no errors in the browser', () => {
    expect(browser.hosts()).toEqual(['127.0.0.1', 'localhost']);
    expect(browser.complaints()).toEqual([]);
  });
});
