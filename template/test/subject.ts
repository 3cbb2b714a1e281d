import { readFileSync } from 'node:fs';
import type { ConformanceSubject } from 'verification-subgraph/conformance';
import { provider } from '../src/index.ts';

/** What the suite needs to know: the settings, and what the provider's responses mean. */
const input = { subject: { name: 'Ada Example', idNumber: null } };
const created = { createIdentity: recorded('createIdentity') };
const state = (name: string) => ({ getIdentity: { body: { state: name } } });

export const subject: ConformanceSubject = {
  provider,
  settings: (endpoint) => ({ ENDPOINT: endpoint, API_KEY: 'conformance-key' }),
  errorAnswer: (code) => ({ status: 400, body: { error: { code } } }),
  // Personal data in the recorded responses, which must appear nowhere else.
  personal: ['Ada Example', 'X1234567'],
  starts: [
    {
      title: 'the page’s example',
      channel: 'MY_PROVIDER_WEB',
      input: { ...input, extra: 'order-7', options: { language: 'ZH' } },
      answers: created,
      sends: {
        createIdentity: {
          method: 'POST',
          path: '/v1/identities',
          body: { fullName: 'Ada Example', language: 'zh', reference: 'order-7' },
        },
      },
      expect: {
        launch: { kind: 'redirect', url: 'https://page.my-provider.example/6c0f6c1e' },
        expiresInSeconds: 1800,
      },
    },
    {
      title: 'what it does not use',
      channel: 'MY_PROVIDER_WEB',
      input: { subject: { name: 'Ada Example', idNumber: 'X1234567' }, referenceImage: 'AAAA' },
      expect: { problems: ['subject.idNumber', 'referenceImage'] },
    },
    {
      title: 'no credit',
      channel: 'MY_PROVIDER_WEB',
      input,
      answers: { createIdentity: { status: 402, body: { error: { code: 'NO_CREDIT' } } } },
      expect: { fault: 'quota_exhausted' },
    },
  ],
  outcomes: [
    {
      title: 'approved',
      channel: 'MY_PROVIDER_WEB',
      answers: { getIdentity: recorded('getIdentity') },
      sends: {
        getIdentity: { method: 'GET', path: '/v1/identities/6c0f6c1e-7d0d-4c39-9f0e-0f5f5a3f2b11' },
      },
      expect: { status: 'PASSED', code: 'approved', details: { documentCountry: 'SGP' } },
    },
    {
      title: 'too dark',
      channel: 'MY_PROVIDER_WEB',
      answers: state('unreadable'),
      expect: { status: 'FAILED', reason: 'MY_PROVIDER_DOCUMENT_TOO_DARK' },
    },
    {
      title: 'a state that no table has',
      channel: 'MY_PROVIDER_WEB',
      answers: state('escalated'),
      expect: { status: 'UNDETERMINED', reason: 'OTHER' },
    },
    { title: 'open', channel: 'MY_PROVIDER_WEB', answers: state('open'), expect: 'pending' },
    {
      title: 'forgotten',
      channel: 'MY_PROVIDER_WEB',
      answers: { getIdentity: { status: 404, body: { error: { code: 'NOT_FOUND' } } } },
      expect: 'not_told',
    },
  ],
};

function recorded(name: string) {
  const path = new URL(`../fixtures/${name}.json`, import.meta.url);
  return { body: JSON.parse(readFileSync(path, 'utf8')) as object };
}
