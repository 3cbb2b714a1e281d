import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cardInput } from '../support/card-input.ts';
import { checkMutation, startMutation, verificationQuery } from '../support/operations.ts';
import { startForm } from '../support/redis-forms.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

// The commands that read the store, as an auditor or a support engineer runs them.

let redis: RedisServer;
let app: TestApp;
let env: Record<string, string> = {};
const bin = fileURLToPath(new URL('../../src/bin.ts', import.meta.url));
const subject = { name: '韦小宝', idNumber: '11204416541220243X' };

beforeAll(async () => {
  redis = await startRedis();
  const key = `k1:${randomBytes(32).toString('base64')}`;
  env = { REDIS_URL: redis.url, STORE_HASH_KEYS: key, STORE_ENCRYPTION_KEYS: key };
  app = await startTestApp({ env });
}, 60_000);
afterAll(async () => {
  await app?.stop();
  await redis?.stop();
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

const run = (args: readonly string[], own = env): Promise<Ran> =>
  new Promise((done) => {
    const given = { PATH: process.env['PATH'] ?? '', ...own };
    execFile(process.execPath, [bin, ...args], { env: given }, (failure, out, error) =>
      done({ code: failure ? Number(failure.code) : 0, out, error }),
    );
  });

const headers = { 'x-user-id': 'somebody', 'x-tenant-id': 'tenant-a' };

async function endedVerification(): Promise<string> {
  const input = {
    ...{ idempotencyKey: 'inspected', channel: 'E_ID', subject, consentRef: 'consent-7' },
    extra: 'sandbox:GetEidResult=0',
  };
  const { data } = await app.send(startMutation, { input }, headers);
  const { id } = data.startVerification.verification;
  await until(async () => {
    const { data: now } = await app.send(verificationQuery, { id }, headers);
    return now.verification.status === 'PENDING' ? null : now;
  });
  return id;
}

describe('inspect', () => {
  it('tells what happened to a verification, without personal data', async () => {
    const id = await endedVerification();
    const { code, out } = await run(['inspect', id]);
    expect(code).toBe(0);
    expect(out).toContain(`${id}: verification, PASSED, sandbox`);
    expect(out).toContain('tenant tenant-a, provider tencent-cn, channel E_ID');
    expect(out).toContain('consent consent-7');
    expect(out).toMatch(/billing CHARGED, charged attempts 1, evidence QUERIED/u);
    const calls = [
      ...out.matchAll(/^(\S+Z) {2}call (\w+): ok, NOT_CHARGED, request [\da-f-]{36}$/gmu),
    ];
    expect(calls.map(([, , action]) => action)).toEqual([
      ...['GetEidToken', 'CheckEidTokenStatus', 'GetEidResult'],
    ]);
    const times = [...out.matchAll(/^(\d{4}-\S+Z) {2}/gmu)].map(([, at]) => at);
    const atMs = times.map((at = '') => Date.parse(at));
    expect(atMs).toEqual(atMs.toSorted((a, b) => a - b));
    for (const secret of [subject.name, subject.idNumber, '韦*宝', 'somebody', 'sandbox:Get']) {
      expect(out).not.toContain(secret);
    }
  });

  it('tells what happened to a check', async () => {
    const { data } = await app.send(checkMutation, { input: cardInput('韦小宝', 'c1') }, headers);
    const { id } = data.checkBankCard.check;
    const { out } = await run(['inspect', id]);
    expect(out).toContain(`${id}: bank card check, MATCHED, sandbox`);
    expect(out).toContain('elements CARD_NUMBER NAME ID_NUMBER PHONE');
    expect(out).toMatch(/call BankCard4EVerification: ok, CHARGED, request [\da-f-]{36}/u);
    expect(out).not.toContain('6225768888888888');
  });

  it('says in one line what is wrong, with an exit code', async () => {
    const absent = await run(['inspect', 'ver_AAAAAAAAAAAAAAAAAAAAAA']);
    expect(absent).toMatchObject({ code: 1, error: 'There is no such record in sandbox.\n' });
    const other = await run(['inspect', await endedVerification(), '--mode', 'live']);
    expect(other).toMatchObject({ code: 1, error: 'There is no such record in live.\n' });
    for (const args of [['inspect'], ['inspect', 'a', 'b'], ['inspect', '--no'], ['nothing']]) {
      const { code, error, out } = await run(args);
      expect(code, args.join(' ')).toBe(2);
      expect(error).toMatch(/^[^\n]+; see verification-subgraph --help\n$/u);
      expect(out).toBe('');
    }
    const alone = await run(['inspect', 'ver_A'], {});
    expect(alone.code).toBe(1);
    expect(alone.error).toMatch(/^REDIS_URL is needed[^\n]+\n$/u);
    const down = await run(['inspect', 'ver_A'], { ...env, REDIS_URL: 'redis://127.0.0.1:1' });
    expect(down).toMatchObject({ code: 1, error: 'Redis cannot be reached with REDIS_URL.\n' });
  });
});

describe('audit', () => {
  const add = async (fields: Record<string, string>, id: string) => {
    const flat = Object.entries(fields).flat();
    await redis.command('XADD', '{vs:live}:audit', id, ...flat);
  };
  const day = Date.UTC(2026, 10, 26);
  beforeAll(async () => {
    // More than are read at once.
    for (let at = 0; at < 1100; at++) {
      const fields = { kind: 'media_read', tenantId: `t${at % 2}`, recordId: `ver_${at}` };
      await add({ ...fields, at: new Date(day + at).toISOString() }, `${day + at}-0`);
    }
    await add(
      { kind: 'outcome_after_cancel', tenantId: '=SUM(1)', recordId: 'ver_x', settings: 'a,"b"' },
      `${day + 24 * 3600 * 1000}-0`,
    );
  });
  const live = (...args: string[]) => run(['audit', '--mode', 'live', ...args]);
  /** Without the last line, which tells about the export. */
  const linesOf = ({ out }: Ran) => out.split('\n').slice(0, -2);

  it('prints every entry, oldest first', async () => {
    const lines = linesOf(await live()).map((line) => JSON.parse(line));
    expect(lines).toHaveLength(1101);
    expect(lines[0]).toEqual({
      ...{ entry: `${day}-0`, kind: 'media_read', tenantId: 't0', recordId: 'ver_0' },
      at: '2026-11-26T00:00:00.000Z',
    });
    expect(new Set(lines.map(({ entry }) => entry)).size).toBe(1101);
  });

  it('prints those of a time, a tenant and a record', async () => {
    const count = async (...args: string[]) => linesOf(await live(...args)).length;
    expect(await count('--from', '2026-11-26', '--to', '2026-11-26')).toBe(1100);
    expect(await count('--from', '2026-11-27')).toBe(1);
    expect(await count('--to', '2026-11-26T00:00:00.099Z')).toBe(100);
    expect(await count('--from', '2026-11-26T08:00:00+08:00', '--tenant', 't1')).toBe(550);
    expect(await count('--record', 'ver_7')).toBe(1);
  });

  it('prints CSV that spreadsheets do not compute', async () => {
    const [head, ...rows] = linesOf(await live('--format', 'csv', '--from', '2026-11-27'));
    expect(head).toMatch(/^entry,at,kind,tenantId,callerHash,userHash,recordId,/u);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatch(/^\d+-0,,outcome_after_cancel,'=SUM\(1\),,,ver_x,.*,"a,""b""",/u);
  });

  it('refuses a wrong time, format and mode', async () => {
    for (const wrong of [
      ['--from', 'yesterday'],
      ['--to', '2026-13-01'],
      ['--from', '2026-11-26T08:00'],
      ['--format', 'xml'],
      ['--mode', 'test'],
      ['extra'],
    ]) {
      const { code, error } = await run(['audit', ...wrong]);
      expect(code, wrong.join(' ')).toBe(2);
      expect(error.split('\n')).toHaveLength(2);
    }
  });
});

describe('the forms of Redis', () => {
  it.each(['cluster', 'sentinel'] as const)('are read too: %s', async (kind) => {
    const form = await startForm({ kind, isTls: false, host: '127.0.0.1', logins: [] });
    try {
      await form.command('XADD', '{vs:live}:audit', '1-0', 'kind', 'media_read');
      const own = { ...env, REDIS_URL: form.url() };
      // Again, if a busy machine did not connect in time.
      const { out } = await until(async () => {
        const ran = await run(['audit', '--mode', 'live'], own);
        return ran.code === 0 ? ran : null;
      }, 120_000);
      const [line = '', end = ''] = out.split('\n');
      expect(JSON.parse(line)).toEqual({ entry: '1-0', kind: 'media_read' });
      expect(JSON.parse(end)).toMatchObject({ kind: 'export_end', count: '1', status: 'whole' });
      const absent = await run(['inspect', 'ver_AAAAAAAAAAAAAAAAAAAAAA'], own);
      expect(absent).toMatchObject({ code: 1, error: 'There is no such record in sandbox.\n' });
    } finally {
      await form.stop();
    }
  });
});

describe('the command', () => {
  it('has help and a version', async () => {
    expect((await run(['--help'], {})).out).toContain('verification-subgraph inspect <id>');
    expect((await run(['--version'], {})).out).toMatch(/^\d+\.\d+\.\d+\n$/u);
  });
});
