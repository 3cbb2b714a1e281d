import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { print } from 'graphql';
import { gql } from 'graphql-tag';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documents } from '../../sandbox/tencent-intl/documents.ts';
import { redactVerificationMutation } from '../support/operations.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

// Who was verified, as callers of the graph learn it.

let redis: RedisServer;
let app: TestApp;
const apps: TestApp[] = [];
const key = Buffer.alloc(32, 7).toString('base64');

async function startIdentityApp(env: Record<string, string> = {}): Promise<TestApp> {
  const started = await startTestApp({
    env: {
      ...{ REDIS_URL: redis.url, STORE_HASH_KEYS: `h:${key}`, STORE_ENCRYPTION_KEYS: `e:${key}` },
      ...{ LOG_LEVEL: 'trace', INPUT_CHECKSUMS: 'off' },
      ...env,
    },
  });
  apps.push(started);
  return started;
}

beforeAll(async () => {
  redis = await startRedis();
  app = await startIdentityApp();
}, 60_000);
afterAll(async () => {
  await Promise.all(apps.map((each) => each.stop()));
  await redis.stop();
});

const fields = `
  id status
  identity {
    nameMasked idNumberMasked matchesSubject source personCode name idNumber birthDate documentNumber
    document { kind issuingRegion numberMasked birthDate expiresOn }
  }
  media { kind address }
  providerFlowId
  calls { action at requestId outcome billing }
`;
const startIt = print(gql`
  mutation ($input: StartVerificationInput!) {
    startVerification(input: $input) {
      ... on StartVerificationSuccess { verification { ${fields} } }
      ... on VerificationProblem { retry }
      ... on VerificationInputProblem { code fields { path message } }
    }
  }
`);
const readIt = print(gql`query ($id: ID!) { verification(id: $id) { ${fields} } }`);
const listIt = print(gql`
  query ($users: [_Any!]!) {
    _entities(representations: $users) {
      ... on User { verifications { all: edges { node { ${fields} } } } }
    }
  }
`);

const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
const passed = 'sandbox:GetEidResult=0';
let keys = 0;

type Headers = Record<string, string>;

async function begin(input: object, headers: Headers = {}, to: TestApp = app) {
  keys += 1;
  const given = { idempotencyKey: `k${keys}`, ...input };
  // Like a client, it retries with the same key on a busy machine.
  return until(
    async () => {
      const { data } = await to.send(startIt, { input: given }, headers);
      return data.startVerification.retry === 'SAME_KEY' && !data.startVerification.fields
        ? null
        : data.startVerification;
    },
    120_000,
    500,
  );
}

/** Starts a verification, and waits until it has passed. */
async function pass(input: object, headers: Headers = {}, to: TestApp = app) {
  const { verification } = await begin(input, headers, to);
  return until(async () => {
    const { data } = await to.send(readIt, { id: verification.id }, headers);
    return data.verification.status === 'PASSED' ? data.verification : null;
  });
}

const eId = (extra: string, more: object = {}) => ({ channel: 'E_ID', subject, extra, ...more });

/** Who has read it. */
async function readingsOf(recordId: string): Promise<readonly Record<string, string>[]> {
  const entries = (await redis.command('XRANGE', '{vs:sandbox}:audit', '-', '+')) as [
    string,
    string[],
  ][];
  return entries
    .map(([, all]) =>
      Object.fromEntries(all.flatMap((name, at) => (at % 2 ? [] : [[name, all[at + 1] ?? '']]))),
    )
    .filter((entry) => entry['recordId'] === recordId && entry['kind']?.endsWith('_read'));
}

describe('the identity of E证通', () => {
  it('is masked by default, and compared with the subject of the start', async () => {
    const { identity } = await pass(eId(passed));
    expect(identity).toEqual({
      ...{ nameMasked: '韦*宝', idNumberMasked: '112***********243X', matchesSubject: true },
      ...{ source: 'PROVIDER_RECORD', personCode: 'SANDBOX', document: null },
      ...{ name: null, idNumber: null, birthDate: null, documentNumber: null },
    });
  });

  it.each(['c1c2c3', 'asn1', 'hex'])('is read in the form %s', async (form) => {
    const { identity } = await pass(eId(`sandbox:eid=${form} ${passed}`));
    expect(identity).toMatchObject({ nameMasked: '韦*宝', matchesSubject: true });
  });

  it('is the code of the person alone without the permission of the console', async () => {
    const { identity } = await pass(eId(`sandbox:eid=none ${passed}`));
    expect(identity).toMatchObject({
      ...{ nameMasked: null, idNumberMasked: null, matchesSubject: null, personCode: 'SANDBOX' },
    });
  });

  it('says that it is somebody else', async () => {
    const { identity } = await pass(eId(`sandbox:who=other ${passed}`));
    expect(identity).toMatchObject({ nameMasked: '沙*', matchesSubject: false });
  });

  it('names the person although the start named nobody', async () => {
    const { identity } = await pass({ channel: 'E_ID', extra: passed });
    expect(identity).toMatchObject({ nameMasked: '韦*宝', matchesSubject: null });
  });

  it('is not kept at the level NONE', async () => {
    expect(await pass(eId(passed, { identity: 'NONE' }))).toMatchObject({ identity: null });
  });

  it('is null while nothing has passed', async () => {
    const { verification } = await begin(eId(''));
    expect(verification).toMatchObject({ status: 'PENDING', identity: null, media: [] });
    const { verification: failing } = await begin(eId('sandbox:GetEidResult=2016'));
    const failed = await until(async () => {
      const { data } = await app.send(readIt, { id: failing.id });
      return data.verification.status === 'FAILED' ? data.verification : null;
    });
    expect(failed.identity).toBeNull();
  });
});

describe('an identity in clear', () => {
  const full = (extra = passed) => eId(extra, { identity: 'FULL' });

  it('is for callers with the scope, outside of lists, and each reading is audited', async () => {
    const as = { 'x-user-id': 'clear' };
    const { id, identity } = await pass(full(), as);
    expect(identity).toMatchObject(subject);
    const readings = await readingsOf(id);
    expect(readings).toHaveLength(1);
    expect(Object.keys(readings[0] ?? {}).toSorted()).toEqual([
      ...['at', 'callerHash', 'chain', 'kind', 'operation', 'recordId', 'requestId', 'seq'],
      ...['tenantId', 'userHash'],
    ]);
    expect(readings[0]).toMatchObject({ kind: 'identity_read', tenantId: 'sandbox' });

    const { data: without } = await app.send(
      readIt,
      { id },
      { ...as, 'x-scopes': 'verification:read' },
    );
    expect(without.verification.identity).toMatchObject({ name: null, nameMasked: '韦*宝' });
    const users = [{ __typename: 'User', id: 'clear' }];
    const { data } = await app.send(listIt, { users }, as);
    const [{ node }] = data._entities[0].verifications.all;
    expect(node.identity).toMatchObject({ name: null, idNumber: null, nameMasked: '韦*宝' });
    expect(await readingsOf(id)).toHaveLength(1);
  });

  it('ends with redaction', async () => {
    const { id } = await pass(full());
    await app.send(
      redactVerificationMutation,
      { id },
      { 'x-scopes': 'verification:redact verification:any-user' },
    );
    const { data } = await app.send(readIt, { id });
    expect(data.verification).toMatchObject({ status: 'PASSED', identity: null });
  });

  it('is refused for a tenant that is not allowed', async () => {
    const limited = await startIdentityApp({ IDENTITY_FULL_TENANTS: 'bank,insurer' });
    expect(await begin(full(), {}, limited)).toEqual({
      ...{ code: 'INVALID_INPUT', retry: 'SAME_KEY' },
      fields: [{ path: 'identity', message: 'FULL is not allowed for your tenant' }],
    });
    const { verification } = await begin(full(''), { 'x-tenant-id': 'bank' }, limited);
    expect(verification).toMatchObject({ status: 'PENDING' });
  });

  it('of many verifications is in no key, value, event, audit entry or log line', async () => {
    const person = { name: '欧阳金丝雀', idNumber: '44030519950513256X' };
    for (let round = 0; round < 4; round++) {
      await Promise.all(
        Array.from({ length: 50 }, () =>
          pass({ ...full(), subject: person }, { 'x-user-id': 'many' }),
        ),
      );
    }
    const stored: string[] = [];
    for (const name of (await redis.command('KEYS', '*')) as string[]) {
      const dump = await redis.command('DUMP', name);
      stored.push(`${name} ${String(dump)}`);
    }
    expect(stored.length).toBeGreaterThan(400);
    const text = stored.join('\n') + app.logLines.join('');
    for (const value of Object.values(person)) expect(text).not.toContain(value);
  }, 240_000);
});

describe('a document of tencent-intl', () => {
  const forms = Object.entries(documents).flatMap(([member, { normal, card }]) => [
    ...(normal ? [[member, 'NormalCardInfo', ''] as const] : []),
    ...(card ? [[member, 'CardInfo', ' sandbox:card-form=old'] as const] : []),
  ]);
  // By hand from shared types of the SDK: kind, region, whether it has a birth date and an expiry in each form.
  const expected: Readonly<Record<string, readonly [kind: string, region: string | null]>> = {
    HKIDCard: ['ID_CARD', 'HK'],
    MLIDCard: ['ID_CARD', 'MY'],
    IndonesiaIDCard: ['ID_CARD', 'ID'],
    ThailandIDCard: ['ID_CARD', 'TH'],
    SingaporeIDCard: ['ID_CARD', 'SG'],
    InternationalIDPassport: ['PASSPORT', 'XXX'],
    GeneralCard: ['OTHER', 'XXX'],
    MainlandIDCard: ['ID_CARD', 'CN'],
    HMTPermitCard: ['TRAVEL_PERMIT', 'CN'],
    TaiWanIDCard: ['ID_CARD', 'TW'],
    JapanIDCard: ['ID_CARD', 'JP'],
    MacaoIDCard: ['ID_CARD', 'MO'],
    BangladeshIDCard: ['ID_CARD', 'BD'],
    NigeriaIDCard: ['ID_CARD', 'NG'],
    NigeriaDrivingLicense: ['DRIVING_LICENSE', 'NG'],
    PakistanIDCard: ['ID_CARD', 'PK'],
    PakistanDrivingLicense: ['DRIVING_LICENSE', 'PK'],
    IndonesiaDrivingLicense: ['DRIVING_LICENSE', 'ID'],
    PhilippinesVoteID: ['VOTER_ID', 'PH'],
    PhilippinesDrivingLicense: ['DRIVING_LICENSE', 'PH'],
    PhilippinesTinID: ['TAX_ID', 'PH'],
    PhilippinesSSSID: ['SOCIAL_SECURITY_ID', 'PH'],
    PhilippinesUMID: ['SOCIAL_SECURITY_ID', 'PH'],
  };
  const withExpiry =
    /^(?:Indonesia|Thailand|Singapore|International|General|HMT|Japan|Macao|NigeriaD|PhilippinesD)/u;
  const withoutBirth = ['TaiWanIDCard'];

  it.each(forms)('%s is read from %s', async (member, form, order) => {
    const [kind, issuingRegion] = expected[member] ?? [];
    const extra = `sandbox:document=${member}${order} sandbox:GetWebVerificationResultIntl=0`;
    const { identity } = await pass({
      ...{ channel: 'FACE_WEB', provider: 'tencent-intl', extra, identity: 'FULL' },
      options: { tencentIntlWeb: { checkMode: 'OCR_LIVENESS_COMPARE' } },
    });
    expect(identity.source).toBe('DOCUMENT');
    expect(identity.name).toMatch(/沙箱|SANDBOX/u);
    expect(identity.documentNumber).toMatch(/^A0{6}/u);
    expect(identity.document).toMatchObject({ kind, issuingRegion });
    expect(identity.document.expiresOn).toBe(withExpiry.test(member) ? '2031-12-31' : null);
    const hasBirth = !withoutBirth.includes(member);
    // Place and date of birth are one text in the older form of the Indonesian card.
    const isAsWritten =
      member === 'HKIDCard' || (member === 'IndonesiaIDCard' && form === 'CardInfo');
    expect(identity.birthDate).toBe(hasBirth ? (isAsWritten ? '07-03-1990' : '1990-03-07') : null);
    expect(identity.document.birthDate).toBe(identity.birthDate);
    expect(identity.idNumber).toBe(kind === 'ID_CARD' ? identity.documentNumber : null);
  });

  it('is null in a mode that reads none', async () => {
    const { identity } = await pass({
      ...{ channel: 'FACE_WEB', provider: 'tencent-intl', referenceImage: 'bm90IGEgcGljdHVyZQ==' },
      extra: 'sandbox:GetWebVerificationResultIntl=0',
    });
    expect(identity).toBeNull();
  });
});

describe('the app SDK', () => {
  const faceSdk = (more: object = {}) => ({
    ...{ channel: 'FACE_SDK', subject, extra: 'sandbox:GetFaceIdResult=0' },
    ...more,
  });
  const useCos = { options: { tencentCnFaceSdk: { useCos: true } } };

  it('repeats what the caller gave', async () => {
    const { identity, media } = await pass(faceSdk());
    expect(identity).toMatchObject({
      ...{ source: 'CALLER', nameMasked: '韦*宝', matchesSubject: true, personCode: null },
    });
    expect(media).toEqual([]);
  });

  it('gives addresses in the bucket to callers with the scope, and audits it', async () => {
    const { id, media } = await pass(faceSdk(useCos));
    expect(media.map(({ kind }: { kind: string }) => kind)).toEqual([
      ...['LIVENESS_VIDEO', 'BEST_FRAME'],
    ]);
    expect(media[0].address).toMatch(/^https:\/\/sandbox-\d+\.cos\.[a-z.-]+\/faceid\//u);
    expect(await readingsOf(id)).toMatchObject([{ kind: 'media_read' }]);
    const { data } = await app.send(readIt, { id }, { 'x-scopes': 'verification:read' });
    expect(data.verification.media).toEqual([]);
    const users = [{ __typename: 'User', id: 'sandbox-user' }];
    const { data: listed } = await app.send(listIt, { users });
    const nodes = listed._entities[0].verifications.all.map(({ node }: { node: object }) => node);
    expect(nodes.find((node: { id: string }) => node.id === id)).toMatchObject({ media: [] });
  });

  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
  const sm2 = generateKeyPairSync('ec', { namedCurve: 'SM2' }).publicKey;
  it.each([
    ['AES-256-CBC', createPublicKey(rsa.export({ type: 'spki', format: 'pem' }))],
    ['SM4-GCM', sm2],
  ])('encrypts its answer with %s', async (_algorithm, publicKey) => {
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const sealed = await startIdentityApp({
      TENCENT_CN_ENCRYPTION_PUBLIC_KEY: Buffer.from(pem).toString('base64'),
    });
    const { identity } = await pass(faceSdk({ identity: 'FULL' }), {}, sealed);
    expect(identity).toMatchObject({ ...subject, matchesSubject: true });
  });
});

describe('oemcloud', () => {
  it('tells its flowId, and names the person in its detail query', async () => {
    const detail = await startIdentityApp({ OEMCLOUD_OUTCOME: 'detail' });
    const input = { channel: 'FACE_ALIPAY', subject, extra: 'sandbox:outcome=SUCCESS' };
    const { providerFlowId, identity } = await pass(input, {}, detail);
    expect(providerFlowId).toMatch(/^\d+$/u);
    expect(identity).toMatchObject({
      ...{ source: 'CALLER', nameMasked: '韦*宝', idNumberMasked: '112***********243X' },
      ...{ matchesSubject: true, personCode: null, document: null, name: null },
    });
  });

  it.each([
    ['MASKED', 'common/detail'],
    ['NONE', 'common/outline'],
  ])('is asked by the query that the level %s needs, %s', async (identity, query) => {
    const detail = await startIdentityApp({ OEMCLOUD_OUTCOME: 'detail' });
    const extra = 'sandbox:outcome=SUCCESS';
    const given = { channel: 'FACE_ALIPAY', subject, extra, identity };
    const { calls } = await pass(given, {}, detail);
    const actions = calls.map(({ action }: { action: string }) => action);
    expect(actions).toEqual(['individual/face', query]);
  });
});

describe('the calls of a verification', () => {
  it('have the id of the request, also of successful ones, and are logged with the record', async () => {
    const { id, calls } = await pass(eId(passed));
    const actions = calls.map(({ action }: { action: string }) => action);
    expect(actions).toEqual(['GetEidToken', 'CheckEidTokenStatus', 'GetEidResult']);
    for (const call of calls) {
      expect(call).toMatchObject({ outcome: 'OK', billing: 'NOT_CHARGED' });
      expect(call.requestId).toMatch(/^[\da-f-]{36}$/u);
      const line = app.logLines.find((each) => each.includes(call.requestId)) ?? '{}';
      expect(JSON.parse(line)).toMatchObject({
        ...{ event: 'upstream_call', record: id, action: call.action, outcome: 'ok' },
        providerRequestId: call.requestId,
      });
    }
  });
});

describe('the calls of a bank card check', () => {
  const checkIt = print(gql`
    mutation ($input: CheckBankCardInput!) {
      checkBankCard(input: $input) {
        ... on CheckBankCardSuccess {
          cached
          check {
            billing
            calls {
              action
              requestId
              outcome
              billing
            }
          }
        }
      }
    }
  `);

  it('say what was charged, and are empty for an earlier result', async () => {
    const input = { subject, cardNumber: '6225768888888888', phone: '13800138000' };
    const check = async (idempotencyKey: string) => {
      const { data } = await app.send(checkIt, { input: { idempotencyKey, ...input } });
      return data.checkBankCard;
    };
    const first = await check('card-1');
    expect(first).toMatchObject({ cached: false, check: { billing: 'CHARGED' } });
    expect(first.check.calls).toMatchObject([
      { action: 'BankCard4EVerification', outcome: 'OK', billing: 'CHARGED' },
    ]);
    expect(first.check.calls[0].requestId).toMatch(/^[\da-f-]{36}$/u);
    expect(await check('card-1')).toMatchObject({ check: { calls: first.check.calls } });
    expect(await check('card-2')).toMatchObject({ cached: true, check: { calls: [] } });
  });
});
