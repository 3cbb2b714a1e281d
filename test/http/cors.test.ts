import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, type TestBrowser } from '../support/browser.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

// Pages of other origins, in a real browser.

let browser: TestBrowser;
let page: { readonly port: number; readonly server: Server };
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  browser = await openBrowser();
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<p>a page</p>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  page = { port: address.port, server };
});
afterAll(async () => {
  for (const end of cleanUp) await end();
  await browser?.close();
  page?.server.closeAllConnections();
  page?.server.close();
});

async function startWith(origins: string | null): Promise<TestApp> {
  const app = await startTestApp({ env: origins === null ? {} : { CORS_ORIGINS: origins } });
  cleanUp.push(app.stop);
  return app;
}

/** What a script on this host's page gets, with the headers that the sandbox reads. */
async function askFrom(host: 'localhost' | '127.0.0.1', app: TestApp): Promise<string> {
  const opened = await browser.openPage();
  await opened.goto(`http://${host}:${page.port}/`);
  return opened.evaluate(async (url) => {
    const headers = { 'content-type': 'application/json', 'x-user-id': 'user-1' };
    const body = JSON.stringify({ query: '{ __typename }' });
    try {
      return await (await fetch(url, { method: 'POST', headers, body })).text();
    } catch (error) {
      return String(error);
    }
  }, `${app.url}/graphql`);
}

describe('CORS_ORIGINS', () => {
  it('lets pages of its origins call the sandbox, and no others', async () => {
    const app = await startWith(`https://app.example,http://localhost:${page.port}`);
    expect(JSON.parse(await askFrom('localhost', app))).toEqual({ data: { __typename: 'Query' } });
    expect(await askFrom('127.0.0.1', app)).toContain('Failed to fetch');
  });

  it('is off by default', async () => {
    expect(await askFrom('localhost', await startWith(null))).toContain('Failed to fetch');
  });
});
