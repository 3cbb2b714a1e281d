import { readFileSync } from 'node:fs';
import type { ConformanceSubject, NotificationCase } from 'verification-subgraph/conformance';
import { provider } from '../src/index.ts';
import { sign } from '../src/webhook.ts';

const photo = (of: string): string => Buffer.from(`a photo of ${of}, of nobody`).toString('base64');
const passport = { type: 'PASSPORT', country: 'SGP', front: photo('a passport') };
const created = { 'checks/create': { status: 201, body: recorded('create') } };

export const subject: ConformanceSubject = {
  provider,
  settings: (endpoint) => ({
    CLIENT_ID: 'conformance-client',
    CLIENT_SECRET: 'conformance-client-secret',
    WEBHOOK_SECRET: 'conformance-webhook-secret',
    ENDPOINT: endpoint,
  }),
  errorAnswer: (code) => ({ status: 400, body: { error: code } }),
  always: { 'oauth/token': { body: recorded('token') } },
  personal: ['Ada Example', 'X1234567', 'token-of-nobody'],
  starts: [
    {
      title: 'a passport',
      channel: 'DOCLENS_DOCUMENT',
      input: { options: passport },
      answers: created,
      sends: {
        'oauth/token': { path: '/oauth/token' },
        'checks/create': {
          path: '/v2/checks',
          headers: { authorization: 'Bearer token-of-nobody' },
          body: { type: 'passport', country: 'SGP', front: passport.front },
        },
      },
      expect: { launch: null, session: { checkId: 'chk_4f1c2b' } },
    },
    {
      title: 'a card without its back, of a country that is none',
      channel: 'DOCLENS_DOCUMENT',
      input: { options: { type: 'ID_CARD', country: 'Singapore', front: photo('a card') } },
      expect: { problems: ['options.doclensDocument.country', 'options.doclensDocument.back'] },
    },
    {
      title: 'no units left',
      channel: 'DOCLENS_DOCUMENT',
      input: { options: passport },
      answers: { 'checks/create': { status: 402, body: { error: 'insufficient_funds' } } },
      expect: { fault: 'quota_exhausted' },
    },
    {
      title: 'a token that ended early',
      channel: 'DOCLENS_DOCUMENT',
      input: { options: passport },
      answers: {
        'checks/create': [
          { status: 401, body: { error: 'invalid_token' } },
          { status: 201, body: recorded('create') },
        ],
      },
      expect: { launch: null },
    },
    {
      title: 'a client that is not known',
      channel: 'DOCLENS_DOCUMENT',
      input: { options: passport },
      answers: { 'oauth/token': { status: 401, body: { error: 'invalid_client' } } },
      expect: { fault: 'credentials' },
    },
  ],
  notifications: [
    webhook('genuine', recorded('webhook'), {
      status: 'PASSED',
      details: { documentType: 'passport', issuingCountry: 'SGP' },
    }),
    webhook('expired', { result: 'expired' }, { reason: 'DOCLENS_DOCUMENT_EXPIRED' }),
    webhook('a result that no table has', { result: 'odd' }, { status: 'UNDETERMINED' }),
    webhook('taken, and not looked at yet', { result: null }, 'pending'),
  ],
};

function webhook(
  title: string,
  event: object,
  expect: NotificationCase['expect'],
): NotificationCase {
  return {
    title,
    channel: 'DOCLENS_DOCUMENT',
    expect,
    deliver: ({ session, reference, settings, nowMs }) => {
      const about = { reference, check_id: session['checkId'] };
      const body = Buffer.from(JSON.stringify({ ...event, ...about }));
      const [time, id] = [String(nowMs), `d-${nowMs}`];
      const signature = sign(settings['WEBHOOK_SECRET'] ?? '', { time, id, body });
      return { body, headers: { 'x-doclens-signature': `t=${time},id=${id},v1=${signature}` } };
    },
  };
}

function recorded(name: string): object {
  const path = new URL(`../fixtures/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as object;
}
