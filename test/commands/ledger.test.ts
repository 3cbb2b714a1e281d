import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit } from '../../src/commands/audit.ts';
import { CommandError } from '../../src/commands/command-error.ts';
import { costs } from '../../src/commands/costs.ts';
import { replayEvents } from '../../src/commands/replay-events.ts';
import { verifyAudit } from '../../src/commands/verify-audit.ts';
import { cardInput } from '../support/card-input.ts';
import { freePort } from '../support/free-port.ts';
import { checkMutation, startMutation, verificationQuery } from '../support/operations.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

// The ledger, as the service writes it and as an auditor reads it.

type Texts = Readonly<Record<string, string>>;

const bin = fileURLToPath(new URL('../../src/bin.ts', import.meta.url));
const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
const cardNumber = '6225768888888888';
const headers = { 'x-user-id': 'somebody', 'x-tenant-id': 'tenant-a', 'x-request-id': 'r-1' };
const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
const path = (name: string): string => join(folder, name);

let redis: RedisServer;
let app: TestApp;
let env: Record<string, string> = {};

beforeAll(async () => {
  redis = await startRedis();
  const key = `k1:${randomBytes(32).toString('base64')}`;
  env = { REDIS_URL: redis.url, STORE_HASH_KEYS: key, STORE_ENCRYPTION_KEYS: key };
  app = await startTestApp({ env: { ...env, TENANT_DAILY_CHARGEABLE: '4' } });
}, 60_000);
afterAll(async () => {
  await app?.stop();
  await redis?.stop();
  rmSync(folder, { recursive: true });
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** A command as an auditor runs it. */
function runProcess(args: readonly string[]): Promise<Ran> {
  return new Promise((done) => {
    const given = { PATH: process.env['PATH'] ?? '', ...env };
    execFile(process.execPath, [bin, ...args], { env: given }, (failure, out, error) =>
      done({ code: failure ? Number(failure.code) : 0, out, error }),
    );
  });
}

/** The same in this process, because starting one takes a second on a busy machine. */
async function run([name = '', ...args]: readonly string[], more: Texts = {}): Promise<Ran> {
  const lines: string[] = [];
  const told = (): string => lines.map((line) => `${line}\n`).join('');
  try {
    for await (const line of outputOf(name, args, { ...env, ...more })) lines.push(line);
    return { code: 0, out: told(), error: '' };
  } catch (error) {
    const { message, code }: { readonly message?: string; readonly code?: string } = Object(error);
    const isArgument = code?.startsWith('ERR_PARSE_ARGS') ?? false;
    const exitCode = error instanceof CommandError ? error.exitCode : isArgument ? 2 : -1;
    return { code: exitCode, out: told(), error: `${message}\n` };
  }
}

function outputOf(name: string, args: readonly string[], own: Texts): AsyncIterable<string> {
  if (name === 'costs') return costs(own, args);
  if (name === 'events') return replayEvents(own, args.slice(1));
  return args[0] === 'verify' ? verifyAudit(own, args.slice(1)) : audit(own, args);
}

async function entriesOf(...args: readonly string[]): Promise<readonly Texts[]> {
  const { out } = await run(['audit', ...args]);
  const lines = out.split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Texts).slice(0, -1);
}

const rowsOf = (csv: string): readonly Texts[] => {
  const [head = '', ...lines] = csv.split('\n').filter(Boolean);
  const names = head.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(names.map((name, at) => [name, cells[at] ?? '']));
  });
};

const checkOnce = async (key: string, more: object = {}, as: object = headers) => {
  const input = { ...cardInput('韦小宝', key), ...more };
  const { data } = await app.send(checkMutation, { input }, { ...headers, ...as });
  return data.checkBankCard;
};

/** Like a client, it repeats with the same key what a busy machine could not do in time. */
const check: typeof checkOnce = (...given) =>
  until(async () => {
    const answer = await checkOnce(...given);
    return answer.code === 'RATE_LIMITED' || answer.code === 'OVERLOADED' ? null : answer;
  }, 60_000);

async function start(key: string, more: object = {}): Promise<string> {
  const input = { idempotencyKey: key, channel: 'E_ID', subject, ...more };
  const { data } = await app.send(startMutation, { input }, headers);
  expect(data.startVerification).toMatchObject({ verification: {} });
  return data.startVerification.verification.id;
}

const passed = 'sandbox:GetEidResult=0';

async function pass(key: string, more: object = {}): Promise<string> {
  const id = await start(key, { extra: passed, ...more });
  await until(async () => {
    const { data } = await app.send(verificationQuery, { id }, headers);
    return data.verification.status === 'PENDING' ? null : true;
  });
  return id;
}

describe('the ledger', () => {
  it('tells of a verification from its start to its redaction', async () => {
    const more = { identity: 'FULL', consentRef: 'consent-7' };
    const id = await pass('person', more);
    const query = `query ($id: ID!) { verification(id: $id) { identity { name } } }`;
    await app.send(query, { id }, headers);
    const redact = `mutation ($id: ID!) { redactVerification(id: $id) { __typename } }`;
    await app.send(redact, { id }, headers);
    const entries = await entriesOf('--record', id);
    expect(entries.map(({ kind }) => kind)).toEqual([
      ...['started', 'ended', 'identity_read', 'redacted'],
    ]);
    const [started, ended, read, redacted] = entries;
    expect(started).toMatchObject({
      ...{ tenantId: 'tenant-a', providerId: 'tencent-cn', account: 'default', jurisdiction: 'CN' },
      ...{ channel: 'E_ID', action: 'GetEidToken', consentRef: 'consent-7', identityLevel: 'FULL' },
      ...{ checks: 'LIVENESS FACE_MATCH IDENTITY_RECORD DOCUMENT', requestId: 'r-1' },
    });
    expect(started?.['providerRequestId']).toMatch(/^[\da-f-]{36}$/u);
    expect(started?.['operation']).toMatch(/^op_/u);
    expect(ended).toMatchObject({
      ...{ status: 'PASSED', billing: 'CHARGED', chargedAttempts: '1', chargedBy: 'outcome' },
      evidence: 'QUERIED',
    });
    const hash = started?.['userHash'];
    expect(hash).toMatch(/^[\w-]{43}$/u);
    for (const entry of entries) {
      expect(entry['userHash']).toBe(hash);
      // The provider ends a verification, and no caller.
      expect(entry['callerHash']).toBe(entry === ended ? undefined : hash);
    }
    expect(read).toMatchObject({ recordId: id });
    // The record has forgotten it.
    expect(redacted).toMatchObject({ consentRef: 'consent-7' });
  });

  it('tells of a cancellation, and who did it', async () => {
    const id = await start('cancelled');
    const cancel = `mutation ($id: ID!) { cancelVerification(id: $id) { __typename } }`;
    await app.send(cancel, { id }, headers);
    const [started, cancelled, ...others] = await entriesOf('--record', id);
    expect(others).toEqual([]);
    expect(cancelled).toMatchObject({ kind: 'cancelled', status: 'CANCELLED', billing: 'UNKNOWN' });
    expect(cancelled?.['callerHash']).toBe(started?.['callerHash']);
  });

  it('tells of a start that got an open launch', async () => {
    const options = { tencentIntlWeb: { checkMode: 'OCR_LIVENESS_COMPARE' } };
    const web = { channel: 'FACE_WEB', options, redirectUrl: 'https://app.example/done' };
    const first = await start('first', { ...web, subject: null });
    const second = await start('second', { ...web, subject: null });
    expect(second).toBe(first);
    const reused = (await entriesOf()).filter(({ kind }) => kind === 'reused');
    expect(reused).toMatchObject([{ of: first, providerId: 'tencent-intl', tenantId: 'tenant-a' }]);
  });

  it('tells of a check, its price, and of one that cost nothing', async () => {
    const as = { 'x-tenant-id': 'tenant-b' };
    const { check: paid } = await check('paid', { consentRef: 'consent-8' }, as);
    const { check: cached } = await check('cached', {}, as);
    expect(cached.sourceCheckId).toBe(paid.id);
    const entries = await entriesOf('--record', paid.id);
    expect(entries.map(({ kind }) => kind)).toEqual(['charge_begun', 'charge', 'checked']);
    const [begun, charge, checked] = entries;
    expect(begun).toMatchObject({ action: 'BankCard4EVerification', providerId: 'tencent-cn' });
    expect(charge).toMatchObject({ billing: 'CHARGED', action: 'BankCard4EVerification' });
    expect(checked).toMatchObject({
      ...{ status: 'MATCHED', billing: 'CHARGED', consentRef: 'consent-8' },
      ...{ checks: 'CARD_NUMBER NAME ID_NUMBER PHONE' },
      providerRequestId: charge?.['providerRequestId'],
    });
    expect(await entriesOf('--record', cached.id)).toMatchObject([
      { kind: 'checked', of: paid.id, billing: 'NOT_CHARGED', status: 'MATCHED' },
    ]);
  });

  it('says that nothing was sent, refused or unknown', async () => {
    const as = { 'x-tenant-id': 'tenant-c' };
    const kindsAfter = async (name: string) => {
      const before = (await entriesOf('--tenant', 'tenant-c')).length;
      const answer = await check(name, { subject: { ...subject, name } }, as);
      const entries = (await entriesOf('--tenant', 'tenant-c')).slice(before);
      return { answer, told: entries.map(({ kind, billing = '' }) => `${kind} ${billing}`.trim()) };
    };
    const refused = await kindsAfter('sandbox:BankCard4EVerification=LimitExceeded');
    expect(refused.answer).toMatchObject({ code: 'PROVIDER_QUOTA_EXHAUSTED' });
    expect(refused.told).toEqual(['charge_begun', 'charge NOT_CHARGED', 'refused']);
    const lost = await kindsAfter('sandbox:BankCard4EVerification=InternalError');
    expect(lost.told).toEqual(['charge_begun', 'charge UNKNOWN']);
  });

  it('tells of refusals for the sake of money once a minute', async () => {
    const as = { 'x-tenant-id': 'tenant-d' };
    for (let at = 0; at < 4; at++) await check(`daily-${at}`, { maxAgeSeconds: 0 }, as);
    for (let at = 4; at < 8; at++) await checkOnce(`daily-${at}`, { maxAgeSeconds: 0 }, as);
    const refused = (await entriesOf('--tenant', 'tenant-d')).filter(
      ({ kind }) => kind === 'refused',
    );
    expect(refused).toMatchObject([
      { limit: 'TENANT_DAILY', count: '1', providerId: 'tencent-cn' },
    ]);
    expect(refused[0]?.['recordId']).toBeUndefined();
  });

  it('tells which settings changed since the last boot, without values', async () => {
    const told = async () =>
      (await entriesOf())
        .filter(({ kind }) => kind === 'settings_changed')
        .map(({ settings, version }) => ({ settings, version }));
    const before = (await told()).length;
    const port = String(await freePort());
    const boot = async (more: Texts) => {
      const other = await startTestApp({ env: { ...env, PORT: port, ...more } });
      await other.stop();
    };
    // Two replicas with the same settings tell it once.
    await boot({ VELOCITY_USER: '77/3600' });
    await until(async () => (await told()).length > before);
    await boot({ VELOCITY_USER: '77/3600' });
    await boot({ VELOCITY_USER: '78/3600' });
    await until(async () => (await told()).length > before + 1);
    const entries = (await told()).slice(before);
    expect(entries[0]?.settings?.split(' ')).toContain('VELOCITY_USER');
    expect(entries.slice(1)).toMatchObject([{ settings: 'VELOCITY_USER' }]);
    expect(entries[0]?.version).toMatch(/^\d+\.\d+\.\d+/u);
  });

  it('repeats no reference that could be the number of a person', async () => {
    const id = await start('reference', { consentRef: subject.idNumber });
    expect(await entriesOf('--record', id)).toMatchObject([{ consentRef: 'withheld' }]);
    const refs = {
      E12345678: 'withheld',
      'A123456(3)': 'withheld',
      '91234567': 'withheld',
      'tel-13800138000': 'withheld',
      'wang xiaoming': 'withheld',
      'consent-2026-11-27-000123': 'consent-2026-11-27-000123',
      '0191e2a8-5a1b-7c33-9d51-123456789012': '0191e2a8-5a1b-7c33-9d51-123456789012',
    };
    for (const [consentRef, told] of Object.entries(refs)) {
      const other = await start(`reference ${consentRef}`, { consentRef });
      expect(await entriesOf('--record', other), consentRef).toMatchObject([{ consentRef: told }]);
    }
    const { out } = await run(['audit']);
    expect(out).not.toContain('E12345678');
    for (const secret of [...Object.values(subject), cardNumber, 'somebody', '韦*宝', '77/3600']) {
      expect(out).not.toContain(secret);
    }
  });
});

describe('audit verify', () => {
  let lines: readonly string[] = [];
  let csv = '';
  beforeAll(async () => {
    for (let at = 0; at < 3; at++) await check(`verify-${at}`, {}, { 'x-tenant-id': 'tenant-v' });
    lines = (await run(['audit'])).out.split('\n').filter(Boolean);
    csv = (await run(['audit', '--format', 'csv'])).out;
  });
  const verify = async (changed: readonly string[] | string) => {
    const text = typeof changed === 'string' ? changed : `${changed.join('\n')}\n`;
    writeFileSync(path('export'), text);
    return run(['audit', 'verify', path('export')]);
  };

  it('finds nothing in an export as it was written, in both formats', async () => {
    for (const text of [lines, csv]) {
      const { code, out, error } = await verify(text);
      expect({ code, error }).toEqual({ code: 0, error: '' });
      expect(out).toMatch(
        /^\d+ entries are as they were written\. The last chain is [\da-f]{40}\.\n$/u,
      );
    }
  });

  it('verifies an export that begins later', async () => {
    const [middle] = lines.slice(5).map((line) => (JSON.parse(line) as Texts)['entry'] ?? '');
    const from = new Date(Number(middle?.split('-')[0]) + 1).toISOString();
    const { out } = await run(['audit', '--from', from]);
    expect((await verify(out)).code).toBe(0);
    const later = out.split('\n').filter(Boolean);
    const changed = later.with(0, (later[0] ?? '').replace('default', 'other'));
    expect(changed[0]).not.toBe(later[0]);
    expect((await verify(changed)).out).toContain('line 1, entry');
    expect((await verify(later.slice(1))).code).toBe(1);
  });

  it('finds every changed field of an entry', async () => {
    const at = lines.findIndex((line) => line.includes('"kind":"checked"'));
    const entry = JSON.parse(lines[at] ?? '') as Texts;
    expect(Object.keys(entry).length).toBeGreaterThan(12);
    for (const name of Object.keys(entry)) {
      const other = name === 'seq' ? String(Number(entry[name]) + 1) : `${entry[name]}0`;
      const { code, out } = await verify(
        lines.with(at, JSON.stringify({ ...entry, [name]: other })),
      );
      expect(code, name).toBe(1);
      expect(out, name).toContain(`line ${at + 1}`);
    }
    const { [Object.keys(entry)[4] ?? '']: _gone, ...fewer } = entry;
    expect((await verify(lines.with(at, JSON.stringify(fewer)))).code).toBe(1);
    expect((await verify(lines.with(at, JSON.stringify({ ...entry, more: 'x' })))).code).toBe(1);
  });

  it('finds removed, added and swapped lines, at both ends too', async () => {
    for (const at of [0, 1, 7, lines.length - 2, lines.length - 1]) {
      const { code, out, error } = await verify(lines.toSpliced(at, 1));
      expect({ at, code }).toEqual({ at, code: 1 });
      expect(out).toMatch(/missing|The end/u);
      expect(error).toMatch(/^This is not what was exported: \d+ mistakes\.\n$/u);
    }
    expect((await verify(lines.toSpliced(4, 0, lines[4] ?? ''))).code).toBe(1);
    const swapped = lines.with(4, lines[5] ?? '').with(5, lines[4] ?? '');
    expect((await verify(swapped)).code).toBe(1);
    const rows = csv.split('\n');
    expect((await verify(rows.toSpliced(3, 1).join('\n'))).code).toBe(1);
    expect((await verify(csv.replace('tencent-cn', 'tencent-us'))).code).toBe(1);
  });

  it('is not fooled by who changes the end too, or removes chains', async () => {
    const end = JSON.parse(lines.at(-1) ?? '') as Texts;
    const entries = lines.slice(0, -1);
    const withEnd = (own: readonly string[], changes: Texts) => [
      ...own,
      JSON.stringify({ ...end, count: String(own.length), ...changes }),
    ];
    const chainOf = (line = '') => (JSON.parse(line) as Texts)['chain'] ?? '';
    const unchained = (line: string, at: number) => {
      const { seq: _seq, chain: _chain, ...rest } = JSON.parse(line) as Texts;
      return at < 8 ? JSON.stringify({ ...rest, tenantId: 'other' }) : line;
    };
    const shorter = entries.slice(0, -2);
    for (const forged of [
      withEnd(entries.map(unchained), {}),
      withEnd(shorter, { chain: chainOf(shorter.at(-1)) }),
      withEnd(entries.slice(9), {}),
      withEnd([JSON.stringify({ kind: 'charge', billing: 'CHARGED' }), ...entries], {}),
      [...entries, JSON.stringify({ ...end, at: '2026-01-01T00:00:00.000Z' })],
    ]) {
      expect((await verify(forged)).code).toBe(1);
    }
  });

  it('says what it cannot verify', async () => {
    const { out } = await run(['audit', '--tenant', 'tenant-a']);
    expect((await verify(out)).error).toContain('Only an export of all entries can be verified.');
    expect((await verify('{"a": \n')).error).toBe('Line 1 is no JSON.\n');
    const absent = await run(['audit', 'verify', path('absent')]);
    expect(absent).toMatchObject({ code: 1, error: 'The file cannot be read.\n' });
    writeFileSync(path('export'), `${lines.join('\n')}\n`);
    const unsealed = await run(['audit', 'verify', '--unsealed', path('export')]);
    expect(unsealed.code).toBe(0);
    expect(unsealed.out).toContain('The last line is not verified');
    expect((await run(['audit', 'verify'])).code).toBe(2);
  });
});

describe('costs', () => {
  const as = { 'x-tenant-id': 'tenant-e' };
  const ofTenant = async (args: readonly string[], more: Texts = {}) =>
    run(['costs', '--tenant', 'tenant-e', ...args], more);
  let ids: readonly string[] = [];
  beforeAll(async () => {
    const paid = [await check('e1', {}, as), await check('e2', { maxAgeSeconds: 0 }, as)];
    ids = paid.map(({ check: { id } }) => id);
    await check(
      'e3',
      { subject: { ...subject, name: 'sandbox:BankCard4EVerification=InternalError' } },
      as,
    );
    const input = { idempotencyKey: 'e-id', channel: 'E_ID', subject, extra: passed };
    const { data } = await app.send(startMutation, { input }, { ...headers, ...as });
    const { id } = data.startVerification.verification;
    await until(async () => {
      const { data: now } = await app.send(verificationQuery, { id }, { ...headers, ...as });
      return now.verification.status === 'PENDING' ? null : true;
    });
  });

  it('counts what was charged and what may have been, by what is asked for', async () => {
    const rows = rowsOf((await ofTenant(['--by', 'tenant,provider,action'])).out);
    expect(rows).toEqual([
      {
        ...{ tenant: 'tenant-e', provider: 'tencent-cn', action: 'BankCard4EVerification' },
        ...{ charged: '2', unknown: '1', notCharged: '0' },
      },
      {
        ...{ tenant: 'tenant-e', provider: 'tencent-cn', action: 'GetEidToken' },
        ...{ charged: '1', unknown: '0', notCharged: '0' },
      },
    ]);
    const day = new Date().toISOString().slice(0, 10);
    const byDay = rowsOf((await ofTenant(['--by', 'day', '--from', day])).out);
    expect(byDay).toMatchObject([{ day, charged: '3', unknown: '1' }]);
    expect((await ofTenant(['--from', '2020-01-01', '--to', '2020-01-02'])).out).toBe('');
  });

  it('counts from an export too', async () => {
    const { out } = await run(['audit']);
    writeFileSync(path('whole'), out);
    const fromFile = await ofTenant(['--file', path('whole')], { REDIS_URL: '' });
    expect(fromFile.out).toBe((await ofTenant([])).out);
    expect(fromFile.out).not.toBe('');
  });

  it('multiplies by the prices of a file, exactly', async () => {
    const price = (amount: unknown) => ({
      currency: 'CNY',
      prices: { 'tencent-cn': { BankCard4EVerification: amount, GetEidToken: '1.1' } },
    });
    const withPrices = (prices: object) => {
      writeFileSync(path('prices'), JSON.stringify(prices));
      return ofTenant(['--by', 'provider'], { PRICES_FILE: path('prices') });
    };
    const [row] = rowsOf((await withPrices(price(0.1))).out);
    expect(row).toMatchObject({ cost: '1.30', costIfUnknownCharged: '1.40', currency: 'CNY' });
    const wrong = await withPrices({ ...price('much'), currency: 'yuan' });
    expect(wrong.code).toBe(1);
    expect(wrong.error).toContain('PRICES_FILE: currency: must be three capital letters');
    expect(wrong.error).toContain('prices.tencent-cn.BankCard4EVerification: must be an amount');
    const none = await withPrices({ currency: 'CNY', prices: {} });
    expect(none.error).toMatch(/^PRICES_FILE has no price for tencent-cn \w+\.\n$/u);
  });

  it('compares with a bill by request id, and by attempts', async () => {
    const charges = (await entriesOf('--tenant', 'tenant-e')).filter(
      ({ kind, billing }) => kind === 'charge' && billing === 'CHARGED',
    );
    const [known, forgotten] = charges.map(({ providerRequestId = '' }) => providerRequestId);
    const lost = (await entriesOf('--tenant', 'tenant-e')).find(
      ({ kind, billing }) => kind === 'charge' && billing === 'UNKNOWN',
    );
    const bill = (attempts: number) =>
      `\uFEFFRequest ID,Action,Count\n${known},BankCard4EVerification,1\n` +
      `nobody-knows,BankCard4EVerification,1\n${lost?.['providerRequestId']},BankCard4EVerification,1\n` +
      `,GetEidToken,${attempts}\n`;
    const compare = async (attempts: number) => {
      writeFileSync(path('bill.csv'), bill(attempts));
      return rowsOf((await ofTenant(['--compare', path('bill.csv')])).out);
    };
    expect(await compare(1)).toMatchObject([
      { found: 'only_in_bill', requestId: 'nobody-knows' },
      { found: 'ledger_says_UNKNOWN', requestId: lost?.['providerRequestId'] },
      { found: 'only_in_ledger', requestId: forgotten, record: ids[1], tenant: 'tenant-e' },
    ]);
    expect((await compare(3)).at(-1)).toMatchObject({
      ...{ found: 'more_in_bill', action: 'GetEidToken', count: '2' },
    });
    expect((await compare(0)).at(-1)).toMatchObject({
      found: 'fewer_in_bill',
      count: '1',
    });
    // The same call twice, and an action that the ledger does not have.
    writeFileSync(
      path('bill.csv'),
      `RequestId,Action,Count\n${known},BankCard4EVerification,1\n${known},BankCard4EVerification,2\n` +
        `${forgotten},BankCard4EVerification,1\n,DetectAuth,50\n,GetEidToken,1\n`,
    );
    const compared = rowsOf((await ofTenant(['--compare', path('bill.csv')])).out);
    expect(compared).toMatchObject([
      { found: 'billed_more_than_once', requestId: known, count: '2' },
      { found: 'more_in_bill', action: 'DetectAuth', count: '50' },
    ]);
    // Numbers only: what may have been charged is no difference.
    const counts = async (checks: number) => {
      writeFileSync(
        path('bill.csv'),
        `接口,次数\nBankCard4EVerification,${checks}\nGetEidToken,1\n`,
      );
      return rowsOf((await ofTenant(['--compare', path('bill.csv')])).out);
    };
    expect(await counts(2)).toEqual([]);
    expect(await counts(3)).toEqual([]);
    expect(await counts(9)).toMatchObject([{ found: 'more_in_bill', count: '6' }]);
    expect(await counts(1)).toMatchObject([{ found: 'fewer_in_bill', count: '1' }]);
    const other = await ofTenant(['--provider', 'oemcloud', '--compare', path('bill.csv')]);
    expect(rowsOf(other.out).every(({ found }) => found === 'more_in_bill')).toBe(true);
    writeFileSync(path('bill.csv'), 'a,b\n1,2\n');
    const { code, error } = await ofTenant(['--compare', path('bill.csv')]);
    expect(code).toBe(1);
    expect(error).toMatch(/^The bill needs a column RequestId/u);
  });

  it('refuses a wrong command line', async () => {
    for (const wrong of [
      ['--from', '2026-02-30'],
      ['--from', '1960-01-01'],
      ['--by', 'person'],
      ['--format', 'xml'],
      ['--from', 'soon'],
      ['more'],
    ]) {
      expect((await ofTenant(wrong)).code, wrong.join(' ')).toBe(2);
    }
  });
});

describe('events replay', () => {
  it('appends the events of a time again', async () => {
    const id = await pass('replayed');
    const eventsOf = async () => {
      const entries = (await redis.command('XRANGE', 'vs:sandbox:events', '-', '+')) as [
        string,
        string[],
      ][];
      return entries.map(([, fields]) => fields.join(' ')).filter((text) => text.includes(id));
    };
    // Of the start and of the end.
    await until(async () => (await eventsOf()).length === 2);
    const first = await eventsOf();
    await redis.command('DEL', 'vs:sandbox:events');
    const { out, code } = await run(['events', 'replay', '--from', '2026-01-01']);
    expect(code).toBe(0);
    expect(out).toMatch(/^\d+ events were appended to vs:sandbox:events\.\n$/u);
    expect((await eventsOf()).toSorted()).toEqual(first.toSorted());
    expect((await run(['events', 'replay'])).code).toBe(2);
  });
});

describe('the command line', () => {
  it('has the commands, their exit codes, and one line on what is wrong', async () => {
    const { out, code } = await runProcess(['audit']);
    expect(code).toBe(0);
    writeFileSync(path('export'), out);
    expect(await runProcess(['audit', 'verify', path('export')])).toMatchObject({ code: 0 });
    writeFileSync(path('export'), out.replace('"tencent-cn"', '"tencent-us"'));
    const changed = await runProcess(['audit', 'verify', path('export')]);
    expect(changed.code).toBe(1);
    expect(changed.error).toMatch(/^This is not what was exported: \d+ mistakes\.\n$/u);
    expect((await runProcess(['costs'])).out).toContain(
      'provider,action,charged,unknown,notCharged',
    );
    expect((await runProcess(['costs', '--by', 'person'])).code).toBe(2);
    for (const wrong of [
      ['events'],
      ['events', 'replay'],
      ['audit', 'verify'],
      ['audit', '--no'],
    ]) {
      const ran = await runProcess(wrong);
      expect(ran.code, wrong.join(' ')).toBe(2);
      expect(ran.error).toMatch(/^[^\n]+; see verification-subgraph --help\n$/u);
    }
  });
});

describe('docs/ledger.md', () => {
  it('lists every kind and every field', async () => {
    const text = readFileSync(new URL('../../docs/ledger.md', import.meta.url), 'utf8');
    const { ledgerFields, ledgerKinds } = await import('../../src/ports/index.ts');
    const listed = [...text.matchAll(/^\| (`[^|]+) \|/gmu)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(\w+)`/gu)].map(([, name]) => name),
    );
    const known = [...ledgerKinds, ...ledgerFields, 'entry', 'at', 'kind', 'seq', 'chain', 'seal'];
    expect(new Set(listed)).toEqual(new Set([...known, 'export_end']));
  });
});
