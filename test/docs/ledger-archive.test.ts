import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { archiveLedger } from '../../examples/ledger-archive/archive-ledger.ts';
import { cardInput } from '../support/card-input.ts';
import { checkMutation } from '../support/operations.ts';
import { startPostgres, type PostgresServer } from '../support/postgres.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

// The archiver of examples/ledger-archive, before a real PostgreSQL.

const stream = '{vs:sandbox}:audit';
const bin = fileURLToPath(new URL('../../src/bin.ts', import.meta.url));
const readme = readFileSync(
  new URL('../../examples/ledger-archive/README.md', import.meta.url),
  'utf8',
);
const folder = mkdtempSync(join(tmpdir(), 'archive-'));

let redis: RedisServer;
let postgres: PostgresServer;
let pool: pg.Pool;
let app: TestApp;

beforeAll(async () => {
  [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  pool = new pg.Pool({ connectionString: postgres.url });
  pool.on('error', () => {});
  const key = `k1:${randomBytes(32).toString('base64')}`;
  const env = { REDIS_URL: redis.url, STORE_HASH_KEYS: key, STORE_ENCRYPTION_KEYS: key };
  app = await startTestApp({ env });
});
afterAll(async () => {
  await app?.stop();
  await pool?.end();
  await Promise.all([redis?.stop(), postgres?.stop()]);
  rmSync(folder, { recursive: true });
});

/** Like a client, it repeats with the same key on a busy machine. */
async function check(key: string): Promise<void> {
  await until(async () => {
    const { data } = await app.send(checkMutation, { input: cardInput('韦小宝', key) });
    return data.checkBankCard.check?.outcome === 'MATCHED';
  }, 60_000);
}

/** An archiver with its own connections, which can be cut off. */
function start(name: string, url: string = redis.url) {
  const over = { isOver: false };
  const client = new Redis(url, { maxRetriesPerRequest: null });
  const running = archiveLedger({
    ...{ redis: client, pool, stream, name, isOver: () => over.isOver, takeOverAfterMs: 300 },
  });
  return {
    running,
    stop: async () => {
      over.isOver = true;
      await running;
      client.disconnect();
    },
  };
}

const archived = async (): Promise<number> =>
  Number((await pool.query<{ count: string }>('SELECT count(*) FROM ledger')).rows[0]?.count);
const inRedis = async (): Promise<number> => Number(await redis.command('XLEN', stream));
const isComplete = async () => (await archived().catch(() => -1)) === (await inRedis());

describe('the archive of the ledger', () => {
  it('gets every entry once, from six archivers, also what one of them left undone', async () => {
    await check('before');
    // Read by an archiver that ended before it stored anything.
    await redis.command('XGROUP', 'CREATE', stream, 'archive', '0');
    const read = ['GROUP', 'archive', 'gone', 'COUNT', '2', 'STREAMS', stream, '>'];
    await redis.command('XREADGROUP', ...read);
    // Each makes sure that the table is there.
    const all = ['one', 'two', 'three', 'four', 'five', 'six'].map((name) => start(name));
    for (let at = 0; at < 20; at++) await check(`during-${at}`);
    await until(isComplete);
    await Promise.all(all.map(({ stop }) => stop()));
    const [pending] = (await redis.command('XPENDING', stream, 'archive')) as [number];
    expect(pending).toBe(0);
    expect(await archived()).toBeGreaterThan(20);
  });

  it('continues with the rights that its README names, and stores nothing twice', async () => {
    const [, named = ''] = /ACL SETUSER archiver on >… ([^`]+)`/u.exec(readme) ?? [];
    await redis.command(
      'ACL',
      'SETUSER',
      'archiver',
      'on',
      '>a-password',
      ...named.replace('{vs:live}', '{vs:sandbox}').split(' '),
    );
    const before = await archived();
    // Delivered again, as after a lost acknowledgement.
    await redis.command('XGROUP', 'SETID', stream, 'archive', '0');
    const archiver = start('three', redis.url.replace('redis://', 'redis://archiver:a-password@'));
    await check('after');
    await until(isComplete);
    await archiver.stop();
    expect(await archived()).toBeGreaterThan(before);
  });

  it('is verified and added up like an export', async () => {
    const [, query = ''] = /-At -c '([^']+)'/u.exec(readme) ?? [];
    const { rows } = await pool.query<{ line: string }>(query);
    const file = join(folder, 'ledger.ndjson');
    const run = async (...args: string[]) =>
      (await promisify(execFile)(process.execPath, [bin, ...args])).stdout;
    writeFileSync(file, rows.map(({ line }) => `${line}\n`).join(''));
    expect(await run('audit', 'verify', '--unsealed', file)).toMatch(
      /entries are as they were written/u,
    );
    expect(await run('costs', '--file', file, '--by', 'action')).toContain(
      'BankCard4EVerification,1,0,0',
    );
    writeFileSync(
      file,
      rows
        .toSpliced(3, 1)
        .map(({ line }) => `${line}\n`)
        .join(''),
    );
    await expect(run('audit', 'verify', '--unsealed', file)).rejects.toMatchObject({ code: 1 });
  });
});
