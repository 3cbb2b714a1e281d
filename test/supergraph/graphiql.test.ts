import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSupergraph } from '../../examples/supergraph/start-supergraph.ts';
import { openBrowser, type TestBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { openGraphiql, runTab } from '../support/run-tab.ts';

let supergraph: Awaited<ReturnType<typeof startSupergraph>>;
let browser: TestBrowser;

beforeAll(async () => {
  browser = await openBrowser();
  const [gateway, accounts, verification] = [await freePort(), await freePort(), await freePort()];
  const env = { PUBLIC_URL: `http://localhost:${verification}` };
  supergraph = await startSupergraph({ gateway, accounts, verification }, env);
});
afterAll(async () => {
  await browser?.close();
  await supergraph?.stop();
});

it('GraphiQL before the supergraph: a person starts, passes, and is joined with accounts', async () => {
  const page = await browser.openPage();
  await openGraphiql(page, supergraph.gateway.url.replace(/\/graphql$/u, '/graphiql'));
  const started = await runTab(page, 'Start');
  const [launchUrl] =
    /http:\/\/localhost:\d+\/sandbox\/person\/[\w-]+/u.exec(started.replaceAll(/\s/gu, '')) ?? [];
  if (!launchUrl) throw new Error('no launch URL');
  const person = await browser.openPage(360);
  await person.goto(launchUrl);
  await person.getByRole('button', { name: 'Pass' }).click();
  await person.waitForURL(/\/return\//u);

  const joined = await runTab(page, 'WhoIsVerified');
  expect(joined).toContain('ann@acme.example');
  expect(joined).toContain('"PASSED"');
  expect(joined).toContain('"CN"');
  expect(await runTab(page, 'Check')).toContain('"MATCHED"');
  expect(browser.hosts()).toEqual(['127.0.0.1', 'localhost']);
  expect(browser.complaints()).toEqual([]);
});
