import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMutation } from '../support/operations.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

// Rules of ACCOUNTS_FILE, in the sandbox: rules need no account.

const folder = mkdtempSync(join(tmpdir(), 'tenant-rules-'));
const path = join(folder, 'accounts.yaml');
const rules = `
tenants:
  acme:
    name: Acme Bank
    languages: [en]
    requireConsent: true
    jurisdictions: [CN]
    redirectOrigins: [https://app.acme.example]
    identity: MASKED
    retention: { days: 7, cardCacheSeconds: 3600 }
    limits: { user: 2/3600 }
  '*':
    languages: [en, zh]
`;

let app: TestApp;
beforeAll(async () => {
  writeFileSync(path, rules);
  app = await startTestApp({ env: { ACCOUNTS_FILE: path } });
});
afterAll(async () => {
  await app.stop();
  rmSync(folder, { recursive: true });
});

const subject = { name: '韦小宝', idNumber: '11204416541220243X' };

async function start(tenant: string, idempotencyKey: string, more: object = {}) {
  const input = { idempotencyKey, channel: 'E_ID', subject, ...more };
  const headers = { 'x-tenant-id': tenant, 'x-user-id': idempotencyKey };
  return (await app.send(startMutation, { input }, headers)).data.startVerification;
}

describe('the rules of a tenant', () => {
  it('are demanded of each input, all at once', async () => {
    const wrong = { redirectUrl: 'https://other.example/', identity: 'FULL' };
    const told = await start('acme', 'wrong', wrong);
    const paths = told.fields.map((field: { readonly path: string }) => field.path);
    expect(paths.toSorted()).toEqual(['consentRef', 'identity', 'redirectUrl']);
    expect(await start('globex', 'right', wrong)).toMatchObject({
      __typename: 'StartVerificationSuccess',
    });
  });

  it('close providers of another jurisdiction to it', async () => {
    const more = { channel: 'FACE_WEB', provider: 'tencent-intl', consentRef: 'c-1' };
    expect(await start('acme', 'abroad', more)).toMatchObject({ code: 'PROVIDER_NOT_ENABLED' });
    const { data } = await app.send(
      '{ verificationProviders { id enabled reason } }',
      {},
      { 'x-tenant-id': 'acme' },
    );
    expect(data.verificationProviders).toContainEqual({
      ...{ id: 'tencent-intl', enabled: false, reason: 'Your tenant may not use it.' },
    });
  });

  it('limit its users', async () => {
    const headers = { 'x-tenant-id': 'acme', 'x-user-id': 'busy' };
    const codes: (string | undefined)[] = [];
    for (const extra of ['one', 'two', 'three']) {
      const input = { idempotencyKey: extra, channel: 'E_ID', subject, extra, consentRef: 'c-1' };
      const { data } = await app.send(startMutation, { input }, headers);
      codes.push(data.startVerification.code);
    }
    expect(codes).toEqual([undefined, undefined, 'RATE_LIMITED']);
  });

  it('say for how long a pass can be found', async () => {
    const query = `query ($days: Int) { _entities(representations: [{ __typename: "User", id: "a" }]) {
      ... on User { latestPassedVerification(maxAgeDays: $days) { id } } } }`;
    const ask = async (tenant: string) =>
      app.send(query, { days: 8 }, { 'x-tenant-id': tenant, 'x-user-id': 'a' });
    expect((await ask('acme')).errors[0].extensions.fields).toEqual([
      { path: 'maxAgeDays', message: 'must not be above 7: older ones are not kept' },
    ]);
    expect((await ask('globex')).errors).toBeUndefined();
  });

  it.each([
    ['acme', ['en'], 'Acme Bank asks you to verify your identity.'],
    ['globex', ['en', 'zh-CN'], 'The service that you are using asks you'],
  ])('write the pages for people of %s in its languages', async (tenant, languages, text) => {
    const input = { idempotencyKey: 'page', channel: 'E_ID', subject, consentRef: 'c-1' };
    const { data } = await app.send(
      `mutation ($input: StartVerificationInput!) { startVerification(input: $input) {
        ... on StartVerificationSuccess { verification { handoff { url } } } } }`,
      { input },
      { 'x-tenant-id': tenant, 'x-user-id': 'page' },
    );
    const { url } = data.startVerification.verification.handoff;
    const page = await (await fetch(url.replace(/^https?:\/\/[^/]+/u, app.url))).text();
    expect(page).toContain(`<html lang="${languages[0]}">`);
    expect(Array.from(page.matchAll(/<section lang="([^"]+)">/gu), ([, lang]) => lang)).toEqual(
      languages,
    );
    expect(page).toContain(text);
  });
});
