import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSupergraph } from '../../examples/supergraph/start-supergraph.ts';
import { openBrowser, type TestBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { beginTab, openGraphiql, resultOf, runTab } from '../support/run-tab.ts';

let supergraph: Awaited<ReturnType<typeof startSupergraph>>;
let browser: TestBrowser;

beforeAll(async () => {
  browser = await openBrowser();
  const ports = await Promise.all(Array.from({ length: 4 }, freePort));
  const [gateway = 0, apollo = 0, accounts = 0, verification = 0] = ports;
  const env = { PUBLIC_URL: `http://localhost:${verification}` };
  supergraph = await startSupergraph({ gateway, apollo, accounts, verification }, env);
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
  const [id] = /ver_[\w-]{22}/u.exec(started.replaceAll(/\s/gu, '')) ?? [];
  await beginTab(page, 'Ended', { id });
  const person = await browser.openPage(360);
  await person.goto(launchUrl);
  await person.getByRole('button', { name: 'Pass' }).click();
  await person.waitForURL(/\/return\//u);

  const ended = await resultOf(page);
  expect(ended).toContain('"verificationEnded"');
  expect(ended).toContain('"PASSED"');
  expect(ended).toContain('"Ann"');

  const joined = await runTab(page, 'WhoIsVerified');
  expect(joined).toContain('ann@acme.example');
  expect(joined).toContain('"PASSED"');
  expect(joined).toContain('"CN"');
  expect(await runTab(page, 'Check')).toContain('"MATCHED"');
  expect(browser.hosts()).toEqual(['127.0.0.1', 'localhost']);
  expect(browser.complaints()).toEqual([]);
});
