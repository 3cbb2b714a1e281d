import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startMutation, verificationQuery } from '../support/operations.ts';
import { startCluster, startRedis, type RedisServer } from '../support/redis.ts';
import { startLedgerProvider, startReplica, type Replica } from '../support/replicas.ts';
import { until } from '../support/until.ts';

// Redis servers that reply, but lack something that claims need.

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).toReversed()) await end();
});

async function redis(): Promise<RedisServer> {
  const server = await startRedis();
  cleanUp.push(server.stop);
  return server;
}

async function replica(url: string, env: Record<string, string> = {}): Promise<Replica> {
  const provider = await startLedgerProvider();
  const started = await startReplica(url, provider.url, env);
  cleanUp.push(provider.stop, started.kill);
  return started;
}

const isReady = ({ url }: Pick<Replica, 'url'>): Promise<boolean> =>
  fetch(`${url}/health/ready`).then(({ ok }) => ok);

/** The rights that docs/operating.md names, for the sandbox. */
function documentedRights(): string[] {
  const page = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');
  const [, rights = ''] = /```\nACL SETUSER verification-subgraph ([^`]+)\n```/u.exec(page) ?? [];
  return rights.replaceAll('vs:live', 'vs:sandbox').split(/\s+/u);
}

/** Creates a Redis user with these rights. Returns its URL. */
async function as(server: RedisServer, rights: readonly string[]): Promise<string> {
  await server.command('ACL', 'SETUSER', 'service', 'reset', 'on', '>secret', ...rights);
  return `redis://service:secret@127.0.0.1:${server.port}`;
}

describe('the documented Redis rights', () => {
  it('suffice for checks, limits, starts and follow-ups', async () => {
    const server = await redis();
    const rights = documentedRights();
    expect(rights).toContain('+time');
    const url = await as(
      server,
      rights.filter((right) => !['on', '>secret'].includes(right)),
    );
    const one = await replica(url, {
      VELOCITY_USER: '1000/60',
      TENANT_DAILY_CHARGEABLE: '1000',
    });
    await until(async () => (await one.check('rights', 'rights'))?.check, 30_000);
    const ask = async (query: string, variables: object) => {
      const response = await fetch(`${one.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      });
      // Tests read deep into answers whose shape they assert.
      // oxlint-disable-next-line typescript/no-explicit-any
      return ((await response.json()) as { data: any }).data;
    };
    // A provider that the sandbox emulates. tencent-cn points to this test.
    const { startVerification: started } = await ask(startMutation, {
      input: {
        ...{ idempotencyKey: 'rights', channel: 'FACE_WEB', provider: 'tencent-intl' },
        referenceImage: Buffer.from('not a picture').toString('base64'),
      },
    });
    const { id } = started.verification;
    // A follow-up that lacks a right would not be planned or run.
    const dueMs = async () =>
      Number(await server.command('ZSCORE', '{vs:sandbox}:follow-ups:planned', id));
    expect(await dueMs()).toBeLessThan(Date.now() + 60_000);
    const { verification } = await ask(verificationQuery, { id });
    expect(verification).toMatchObject({ id, status: 'PENDING' });
    // The first one runs, and plans the next one for the end of the launch.
    await until(async () => (await dueMs()) > Date.now() + 120_000, 30_000);
    const denied = (await server.command('ACL', 'LOG')) as unknown[];
    expect(denied).toEqual([]);
  }, 90_000);
});

describe('with a partly working Redis', () => {
  it('a replica without the right to TIME is not ready', async () => {
    const server = await redis();
    const url = await as(server, documentedRights());
    const one = await replica(url);
    await server.command('ACL', 'SETUSER', 'service', '-time');
    expect(await until(async () => !(await isReady(one)))).toBe(true);
    await server.command('ACL', 'SETUSER', 'service', '+time');
    await until(() => isReady(one));
  }, 60_000);

  it('a replica with a full Redis is not ready', async () => {
    const server = await redis();
    const one = await replica(server.url);
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await until(async () => !(await isReady(one)))).toBe(true);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await until(() => isReady(one));
  }, 60_000);

  it('a replica is not ready while any one node of its cluster hangs', async () => {
    const cluster = await startCluster();
    cleanUp.push(cluster.stop);
    // Otherwise every node would report the cluster as down after a while.
    for (const server of cluster.servers) {
      await server.command('CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
    }
    const one = await replica(cluster.url);
    for (const { child } of cluster.servers) {
      child.kill('SIGSTOP');
      expect(await until(async () => !(await isReady(one)))).toBe(true);
      child.kill('SIGCONT');
      await until(() => isReady(one));
    }
  }, 120_000);

  it('an evicting Redis stops the boot, also when CONFIG is denied', async () => {
    const server = await redis();
    const url = await as(server, [...documentedRights(), '+info', '-config']);
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    const key = Buffer.alloc(32, 7).toString('base64');
    const child = spawn(process.execPath, ['src/main.ts'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        PORT: String(await freePort()),
        REDIS_URL: url,
        STORE_HASH_KEYS: `h1:${key}`,
        STORE_ENCRYPTION_KEYS: `e1:${key}`,
        TENCENT_CN_SECRET_ID: 'AKIDtest',
        TENCENT_CN_SECRET_KEY: 'test-key',
        TENCENT_CN_ENDPOINT: 'http://127.0.0.1:1',
        PUBLIC_URL: 'https://idv.example',
        REDIRECT_ORIGINS: 'https://app.example',
        ROUTER_SECRETS: 'the-secret-of-the-router',
        TRUST_IDENTITY_HEADERS: 'on',
      },
    });
    cleanUp.push(() => child.kill('SIGKILL'));
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += String(chunk);
    });
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(1);
    expect(said).toContain('noeviction');
    expect(said).not.toContain('secret');
  }, 60_000);
});
