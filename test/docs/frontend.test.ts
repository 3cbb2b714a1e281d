import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gql } from 'graphql-tag';
import { validate } from 'graphql';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtInProviders } from '../../providers/index.ts';
import { createVerificationClient } from '../../src/client/index.ts';
import { assembleSchema } from '../../src/graphql/assemble-schema.ts';
import { bundleClient } from '../support/bundle-client.ts';
import { openBrowser, startBrowsableApp, type TestBrowser } from '../support/browser.ts';
import { startMutation, verificationQuery } from '../support/operations.ts';
import { readBlocks } from '../support/read-blocks.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

// docs/frontend.md, as it stands there: its web pages in Chromium, its mini-programs with the
// functions that WeChat and Alipay give them.

const blocks = readBlocks('docs/frontend.md');
const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
const referenceImage = Buffer.from('not a picture').toString('base64');

let app: TestApp;
let browser: TestBrowser;
let site: Awaited<ReturnType<typeof startSite>>;
let folder = '';
const used = new Set<string>();
/** The sandbox that `sandbox.js` calls. */
let direct = '';
/** `verification-subgraph/client` as one module. */
let client = '';

beforeAll(async () => {
  browser = await openBrowser();
  app = await startBrowsableApp();
  client = await bundleClient();
  site = await startSite();
  folder = mkdtempSync(join(tmpdir(), 'frontend-'));
  for (const [name, body] of blocks) writeFileSync(join(folder, name), body);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const installed = join(folder, 'node_modules/verification-subgraph');
  mkdirSync(installed, { recursive: true });
  const exported = { type: 'module', exports: { './client': './client.js' } };
  writeFileSync(join(installed, 'package.json'), JSON.stringify(exported));
  writeFileSync(join(installed, 'client.js'), client);
});
afterAll(async () => {
  await browser?.close();
  await app?.stop();
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The site of the frontend: the code blocks, and a route to its supergraph. */
async function startSite() {
  const types: Readonly<Record<string, string>> = { js: 'text/javascript', html: 'text/html' };
  const server: Server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const name = pathname.slice(1);
    if (name === 'graphql') {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const answer = async (): Promise<void> => {
          const text = await askGraph(Buffer.concat(chunks).toString('utf8'));
          response.writeHead(200, { 'content-type': 'application/json' }).end(text);
        };
        void answer();
      });
      return;
    }
    const own: Readonly<Record<string, string>> = {
      'begin.html': '<!doctype html><title>Begin</title><main></main>',
      'client.js': client,
    };
    const body = own[name] ?? blocks.get(name);
    if (body !== undefined) used.add(name);
    const shown = body
      ?.replace('http://localhost:4001', direct)
      // As a bundler or an import map does.
      .replace('verification-subgraph/client', '/client.js');
    const type = types[name.split('.').at(-1) ?? ''] ?? 'text/plain';
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': type }).end(shown);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return {
    url: `http://localhost:${address.port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function askGraph(body: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${app.url}/graphql`, { method: 'POST', headers, body });
  return response.text();
}

/** Acts as the person on the page of the emulated provider. */
async function beThePerson(token: string, choice: object = { act: 'pass' }): Promise<void> {
  const url = `${app.url}/sandbox/person/${token}`;
  await fetch(url);
  const body = new URLSearchParams({ ...choice });
  await fetch(url, { method: 'POST', body, redirect: 'manual' });
}

/** Runs what leads the page to the provider. The page may be left before the call has returned. */
async function leaveFor(page: Page, call: string): Promise<void> {
  const calling = page.evaluate(call).catch((error: unknown) => {
    if (!String(error).includes('because of a navigation')) throw error;
  });
  await Promise.all([page.waitForURL(/\/sandbox\/person\//u), calling]);
}

/** Runs a module in a browser until it reaches the provider's page. */
async function begin(module: string, argument: object | string | null): Promise<Page> {
  const page = await browser.openPage(360);
  await page.goto(`${site.url}/begin.html`);
  const call = `import('/${module}').then(({ verify }) => verify(${JSON.stringify(argument)}))`;
  await leaveFor(page, call);
  return page;
}

async function statusAtTheEnd(page: Page): Promise<string | null> {
  await page.waitForURL(/\/done\.html\?verificationId=ver_/u);
  await page.waitForSelector('html[data-status]');
  expect(new URL(page.url()).searchParams.size).toBe(1);
  return page.getAttribute('html', 'data-status');
}

describe('in a browser', () => {
  const flows: [string, object | string | null][] = [
    ['face-web-intl.js', referenceImage],
    ['face-web-oemcloud.js', subject],
    ['face-alipay.js', subject],
    ['e-id.js', null],
  ];

  it.each(flows)(
    '%s leads the person to the provider, back and to the outcome',
    async (module, argument) => {
      const page = await begin(module, argument);
      await page.getByRole('button', { name: 'Pass' }).click();
      expect(await statusAtTheEnd(page)).toBe('PASSED');
      expect(await page.locator('#status').innerText()).toBe('Thank you, that is all.');
      await page.close();
    },
  );

  it('the page of the outcome survives a request that gets lost', async () => {
    const page = await begin('e-id.js', null);
    let lost = 0;
    await page.route('**/graphql', async (route) => {
      lost += 1;
      await (lost === 1 ? route.abort() : route.continue());
    });
    await page.getByRole('button', { name: 'Pass' }).click();
    expect(await statusAtTheEnd(page)).toBe('PASSED');
    expect(lost).toBeGreaterThan(1);
    await page.close();
  });

  it('the page of the outcome says so if there is none', async () => {
    const page = await browser.openPage(360);
    await page.goto(`${site.url}/done.html?verificationId=ver_nothing`);
    await page.waitForSelector('html[data-status="UNKNOWN"]');
    expect(await page.locator('#status').innerText()).toContain('try again later');
    await page.close();
  });

  it.each(flows)('%s shows a failure', async (module, argument) => {
    const page = await begin(module, argument);
    await page.getByRole('button', { name: 'Fail and go back' }).click();
    expect(await statusAtTheEnd(page)).toBe('FAILED');
    await page.close();
  });

  it('a second tap continues the same verification, and another attempt starts a new one', async () => {
    const page = await begin('face-web-oemcloud.js', subject);
    const first = page.url();
    await page.goto(`${site.url}/begin.html`);
    const call = `import('/face-web-oemcloud.js').then(({ verify }) => verify(${JSON.stringify(subject)}))`;
    await leaveFor(page, call);
    expect(page.url()).toBe(first);
    await page.getByRole('button', { name: 'Fail and go back' }).click();
    await statusAtTheEnd(page);
    await page.goto(`${site.url}/begin.html`);
    await leaveFor(page, call);
    expect(page.url()).not.toBe(first);
    await page.close();
  });
});

interface MiniPage {
  data: Record<string, unknown>;
  setData: (this: MiniPage, data: object) => void;
  onLoad: (this: MiniPage, query: object) => Promise<void>;
  onTap: (this: MiniPage, event: object) => Promise<void>;
  onWebviewMessage: (this: MiniPage, event: object) => Promise<void>;
}

interface MiniRequest {
  readonly url: string;
  readonly data: object | string;
  readonly success: (response: { readonly data: unknown }) => void;
  readonly fail: (error: unknown) => void;
}

/** What `my.request` and `wx.request` have in common: their `success` gets the parsed body. */
function miniRequest({ url, data, success, fail }: MiniRequest): void {
  expect(url).toBe('https://graph.example.com/graphql');
  askGraph(typeof data === 'string' ? data : JSON.stringify(data))
    .then((text) => success({ data: JSON.parse(text) as unknown }))
    .catch(fail);
}

/** Loads a page of a mini-program, with what its host gives it as globals. */
async function loadPage(name: string, globals: object): Promise<MiniPage> {
  used.add(name);
  // The page imports it.
  used.add(name.includes('alipay') ? 'alipay.js' : 'wechat.js');
  let page: MiniPage | null = null;
  Object.assign(globalThis, globals, {
    Page: (given: MiniPage) => {
      page = {
        ...given,
        setData(data) {
          Object.assign(this.data, data);
        },
      };
    },
  });
  await import(/* @vite-ignore */ pathToFileURL(join(folder, name)).href);
  if (!page) throw new Error('no page');
  return page;
}

afterEach(() => {
  for (const name of ['my', 'wx', 'Page', 'startEid']) Reflect.deleteProperty(globalThis, name);
});

const idle = () => new Promise((resolve) => setTimeout(resolve, 50));

describe('in a mini program', () => {
  it('Alipay opens the long URL, the face check starts, and the page polls the outcome', async () => {
    used.add('face-alipay.axml');
    expect(blocks.get('face-alipay.axml')).toMatch(
      /src="\{\{url\}\}" onMessage="onWebviewMessage"/u,
    );
    const woken: object[] = [];
    const my = { request: miniRequest, startAPVerify: (given: object) => woken.push(given) };
    const page = await loadPage('face-alipay-page.js', { my });
    await page.onLoad({ idempotencyKey: 'alipay-mini', ...subject });
    const { url } = page.data as { url: string };
    const input = {
      ...{ idempotencyKey: 'alipay-mini', channel: 'FACE_ALIPAY', subject },
      options: { oemcloudFace: { receivesWebviewMessages: true } },
    };
    const { data: again } = await app.send(startMutation, { input });
    expect(again.startVerification).toMatchObject({ replayed: true });
    const { launch } = again.startVerification.verification;
    expect(url).toBe(launch.longUrl);
    expect(url).not.toBe(launch.url);
    // As the provider's page in a web-view, which cannot redirect back.
    const inWebview = await fetch(url);
    expect(inWebview.status).toBe(200);
    const detail = {
      type: 'IDENTITY_ALI_FACE_AWAKE',
      token: 'certify-1',
      url: 'https://alipay.example',
    };
    await page.onWebviewMessage({ detail });
    expect(woken).toEqual([{ certifyId: 'certify-1', url: 'https://alipay.example' }]);
    await beThePerson(url.split('/').at(-1) ?? '');
    await page.onWebviewMessage({ detail: { type: 'RN_DONE' } });
    expect(page.data).toEqual({ url: '', status: 'PASSED' });
  });

  it('WeChat gives the token to the E证通 SDK and polls the outcome', async () => {
    const sdk = join(folder, 'mp_ecard_sdk');
    mkdirSync(sdk, { recursive: true });
    writeFileSync(
      join(sdk, 'main.js'),
      'export const startEid = (given) => globalThis.startEid(given);',
    );
    const startEid = (given: {
      readonly data: { readonly token: string };
      readonly verifyDoneCallback: (result: object) => void;
    }): void => {
      void beThePerson(given.data.token, { act: 'fail', code: '2016' }).then(() =>
        // The result of the SDK is ignored.
        given.verifyDoneCallback({ verifyDone: true }),
      );
    };
    const page = await loadPage('e-id-mini-program.js', { wx: { request: miniRequest }, startEid });
    const dataset = { idempotencyKey: 'e-id-mini' };
    await page.onTap({ currentTarget: { dataset } });
    await until(async () => page.data['status'] !== '');
    expect(page.data).toMatchObject({ status: 'FAILED' });
  });

  it('WeChat gives the token to the face SDK and polls the outcome', async () => {
    const startVerify = (given: {
      readonly data: { readonly token: string };
      readonly fail: () => void;
    }): void => {
      // The graph decides, even when the SDK reports a failure.
      void beThePerson(given.data.token).then(() => given.fail());
    };
    const page = await loadPage('face-wechat-page.js', {
      wx: { request: miniRequest, startVerify },
    });
    const dataset = { idempotencyKey: 'wechat-mini', ...subject };
    await page.onTap({ currentTarget: { dataset } });
    await until(async () => page.data['status'] !== '');
    expect(page.data).toMatchObject({ status: 'PASSED' });
  });
});

describe('on a desk', () => {
  it('handoff.js shows the code, and learns the end on the phone', async () => {
    const page = await browser.openPage();
    await page.goto(`${site.url}/begin.html`);
    const input = { idempotencyKey: 'desk', channel: 'E_ID' };
    const { data } = await app.send(startMutation, { input });
    const { id, launch } = data.startVerification.verification;
    const call = `import('/handoff.js').then(({ continueOnPhone }) => {
      const send = (query, variables) => fetch('/graphql', {
        method: 'POST', body: JSON.stringify({ query, variables }),
      }).then((response) => response.json());
      return continueOnPhone({ send }, ${JSON.stringify(id)}, document.querySelector('main'));
    })`;
    const ending = page.evaluate(call);
    await page.locator('main svg').waitFor();
    await beThePerson(launch.url.split('/').at(-1));
    expect(await ending).toMatchObject({ id, status: 'PASSED' });
    expect(await page.locator('main svg').count()).toBe(0);
    await page.close();
  });
});

describe('in an app', () => {
  it('the SDK gets its token and configuration, and the app polls the outcome', async () => {
    used.add('face-sdk.js');
    const { verify } = await import(pathToFileURL(join(folder, 'face-sdk.js')).href);
    const send = async (query: string, variables: object) =>
      JSON.parse(await askGraph(JSON.stringify({ query, variables })));
    const given: { token?: string; clientConfig?: string | null }[] = [];
    const huiYan = {
      startHuiYanAuth: async (launch: { readonly token: string }) => {
        given.push(launch);
        await idle();
        await beThePerson(launch.token);
      },
    };
    const verifications = createVerificationClient({ send });
    const ended = await verify({ verifications, huiYan }, { idempotencyKey: 'app', subject });
    expect(ended.status).toBe('PASSED');
    const { data } = await app.send(verificationQuery, { id: ended.id });
    expect(data.verification).toMatchObject({ channel: 'FACE_SDK', status: 'PASSED' });
    expect(given).toHaveLength(1);
  });
});

describe('without a supergraph', () => {
  it('a page calls the sandbox directly, as the user that it names', async () => {
    const sandbox = await startTestApp({ env: { CORS_ORIGINS: site.url } });
    try {
      direct = sandbox.url;
      const page = await browser.openPage();
      await page.goto(`${site.url}/begin.html`);
      const call = `import('/sandbox.js').then(({ send }) => send('{ __typename }', {}))`;
      expect(await page.evaluate(call)).toEqual({ data: { __typename: 'Query' } });
      await page.close();
    } finally {
      await sandbox.stop();
    }
  });
});

describe('docs/frontend.md', () => {
  it('has operations that fit the schema', () => {
    used.add('operations.graphql');
    const schema = assembleSchema(builtInProviders, {});
    expect(validate(schema, gql(blocks.get('operations.graphql') ?? ''))).toEqual([]);
  });

  it('has no code block that this file does not run', () => {
    const text = readFileSync(new URL('../../docs/frontend.md', import.meta.url), 'utf8');
    expect(text.match(/^```\w+/gmu)).toHaveLength(blocks.size);
    // frontend-types.test.ts runs those.
    const typed = ['codegen.ts', 'outcome.ts'];
    for (const name of blocks.keys()) expect([...used, ...typed]).toContain(name);
  });
});
