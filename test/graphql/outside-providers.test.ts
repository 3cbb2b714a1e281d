import { afterEach, describe, expect, it } from 'vitest';
import { builtInProviders } from '../../providers/index.ts';
import type { AnyProvider, ProviderCall } from '../../src/contract/index.ts';
import { subject } from '../../template/test/subject.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

// A provider beside the built-in ones: the one of template/, with changes of each test.

const { provider } = subject;
const web = provider.channels['MY_PROVIDER_WEB'];
const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0)) await end();
});

async function withProvider(changes: Partial<AnyProvider> = {}): Promise<TestApp> {
  const definitions = [...builtInProviders, { ...provider, ...changes }];
  const app = await startTestApp({ definitions });
  cleanUp.push(app.stop);
  return app;
}

const startQuery = `mutation ($input: StartVerificationInput!) {
  startVerification(input: $input) {
    ... on StartVerificationSuccess { verification { id launch { __typename } } }
    ... on VerificationProblem { code billing }
    ... on VerificationInputProblem { fields { path message } }
  }
}`;
const input = {
  idempotencyKey: 'k',
  channel: 'MY_PROVIDER_WEB',
  subject: { name: 'Ada Example' },
};

describe('a provider from PROVIDERS', () => {
  it('calls only this host in the sandbox, whatever its settings say', async () => {
    const app = await withProvider({
      channels: {
        MY_PROVIDER_WEB: {
          ...web,
          prepare: () => ({
            checks: ['DOCUMENT'],
            start: (call: ProviderCall<unknown>) =>
              call.send({
                action: 'createIdentity',
                build: () => ({ method: 'POST', url: 'http://198.51.100.7/', headers: {} }),
                read: () => {
                  throw new Error('unreachable');
                },
              }),
          }),
        },
      } as unknown as AnyProvider['channels'],
    });
    const { data } = await app.send(startQuery, { input });
    expect(data.startVerification).toEqual({
      ...{ code: 'PROVIDER_UNAVAILABLE', billing: 'NOT_CHARGED' },
    });
    expect(app.logLines.join('')).toContain('"outcome":"not_sent"');
  });

  it('gets only the parent object in its resolvers', async () => {
    const seen: unknown[][] = [];
    const app = await withProvider({
      typeDefs: provider.typeDefs.replace(
        'documentCountry: String',
        'documentCountry: String\n  where: String',
      ),
      resolvers: {
        MyProviderWebDetails: {
          where: (...given: unknown[]) => {
            seen.push(given);
            return 'here';
          },
        },
      },
    });
    const extra = 'sandbox:getIdentity=approved';
    const { data } = await app.send(startQuery, { input: { ...input, extra } });
    const { id } = data.startVerification.verification;
    const details = await until(async () => {
      const { data: now } = await app.send(
        'query ($id: ID!) { verification(id: $id) { outcome { details { ... on MyProviderWebDetails { where } } } } }',
        { id },
      );
      return now.verification.outcome?.details ?? null;
    });
    expect(details).toEqual({ where: 'here' });
    expect(seen).toEqual([[{ __typename: 'MyProviderWebDetails', documentCountry: 'SGP' }]]);
  });

  it('accepts images in its imageOptions, and no other large text', async () => {
    const app = await withProvider({
      typeDefs: provider.typeDefs.replace(
        'language: MyProviderLanguage',
        'language: MyProviderLanguage\n  scan: String',
      ),
      channels: {
        MY_PROVIDER_WEB: {
          ...web,
          imageOptions: ['scan'],
          prepare: () => ({ problems: [{ path: 'options', message: 'was read' }] }),
        },
      } as AnyProvider['channels'],
    });
    const large = 'A'.repeat(600_000);
    const options = { myProviderWeb: { scan: large } };
    const { data } = await app.send(startQuery, { input: { ...input, options } });
    expect(data.startVerification.fields).toEqual([{ path: 'options', message: 'was read' }]);
    const refused = await app.send(startQuery, { input: { ...input, extra: large } });
    expect(refused.errors[0].extensions.code).toBe('PAYLOAD_TOO_LARGE');
    const elsewhere = await app.send(startQuery, {
      input: { ...input, options: { myProviderWeb: { language: large } } },
    });
    expect(elsewhere.errors[0].extensions.code).not.toBe(undefined);
  });
});
