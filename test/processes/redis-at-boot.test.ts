import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startLedgerProvider, startReplica } from '../support/replicas.ts';
import { until } from '../support/until.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).toReversed()) await end();
});

const key = Buffer.alloc(32, 7).toString('base64');

async function statusOf(url: string): Promise<number> {
  return fetch(url).then(
    ({ status }) => status,
    () => 0,
  );
}

describe('at boot', () => {
  it('a process without Redis is live and not ready until Redis comes', async () => {
    const [port, redisPort] = [await freePort(), await freePort()];
    const child = spawn(process.execPath, ['src/main.ts'], {
      stdio: 'ignore',
      env: {
        PATH: process.env['PATH'] ?? '',
        PORT: String(port),
        REDIS_URL: `redis://127.0.0.1:${redisPort}`,
        STORE_HASH_KEYS: `h1:${key}`,
        STORE_ENCRYPTION_KEYS: `e1:${key}`,
      },
    });
    cleanUp.push(() => child.kill('SIGKILL'));
    const url = `http://127.0.0.1:${port}`;
    await until(async () => (await statusOf(`${url}/health/live`)) === 200, 30_000);
    expect(await statusOf(`${url}/health/ready`)).toBe(503);
    const redis = await startRedis([], { port: redisPort });
    cleanUp.push(() => redis.stop());
    await until(async () => (await statusOf(`${url}/health/ready`)) === 200, 30_000);
  }, 90_000);

  it('a process connects by TLS and checks the certificate of Redis', async () => {
    const file = (name: string): string =>
      fileURLToPath(new URL(`../support/tls/${name}`, import.meta.url));
    const tlsPort = await freePort();
    const redis = await startRedis([
      ...['--tls-port', String(tlsPort), '--tls-auth-clients', 'no'],
      ...['--tls-cert-file', file('cert.pem'), '--tls-key-file', file('key.pem')],
    ]);
    const provider = await startLedgerProvider();
    cleanUp.push(redis.stop, provider.stop);
    const url = `rediss://127.0.0.1:${tlsPort}`;
    const trusting = await startReplica(url, provider.url, {
      NODE_EXTRA_CA_CERTS: file('cert.pem'),
    });
    cleanUp.push(trusting.kill);
    const answer = await until(async () => {
      const told = await trusting.check('tls', 'tls');
      return told?.check ? told : null;
    }, 30_000);
    expect(answer.check.outcome).toBe('MATCHED');
    await expect(startReplica(url, provider.url, {}, { readyWithinMs: 8000 })).rejects.toThrow(
      'in vain',
    );
  }, 90_000);

  it('a process says what is wrong with Redis, in readiness and in one log event per change', async () => {
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    await redis.command('CONFIG', 'SET', 'requirepass', 'right-password');
    const running = await startSandbox(`redis://:wrong-password@127.0.0.1:${redis.port}`);
    await until(async () => running.output().includes('NOT USABLE NOW: credentials'), 30_000);
    await until(async () => {
      const { reason } = await fetch(`${running.url}/health/ready`).then((r) => r.json());
      return reason === 'credentials';
    });
    const down = running.output().match(/"event":"store_down"[^\n]*/gu);
    expect(down).toEqual(['"event":"store_down","reason":"credentials"}']);
    expect(running.output()).not.toContain('wrong-password');
    const client = new Redis({ port: redis.port, password: 'right-password' });
    cleanUp.push(() => client.disconnect());
    await client.config('SET', 'requirepass', 'wrong-password');
    await until(async () => (await statusOf(`${running.url}/health/ready`)) === 200, 30_000);
    // Lines below `error` reach the output within 100 ms.
    await until(async () => running.output().includes('"event":"store_up"'));
  }, 90_000);

  it.each<[string, (redis: RedisServer, other: RedisServer, isSo: boolean) => Promise<unknown>]>([
    [
      'full',
      (redis, _other, isSo) => redis.command('CONFIG', 'SET', 'maxmemory', isSo ? '1' : '0'),
    ],
    [
      'read_only',
      (redis, { port }, isSo) =>
        isSo
          ? redis.command('REPLICAOF', '127.0.0.1', String(port))
          : redis.command('REPLICAOF', 'NO', 'ONE'),
    ],
  ])(
    'a Redis that is %s is told once, and keeps readiness down',
    async (reason, setFault) => {
      const [redis, other] = await Promise.all([startRedis(), startRedis()]);
      cleanUp.push(redis.stop, other.stop);
      const running = await startSandbox(redis.url);
      // A healthy process over the master writes what its replica then shows.
      const healthy = await startSandbox(other.url);
      const ready = (url: string) => statusOf(`${url}/health/ready`);
      await until(async () => (await ready(running.url)) === 200, 30_000);
      await until(async () => (await ready(healthy.url)) === 200, 30_000);
      await setFault(redis, other, true);
      await until(async () => (await ready(running.url)) === 503, 30_000);
      for (let time = 0; time < 10; time++) {
        await ready(healthy.url);
        expect(await ready(running.url)).toBe(503);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      await setFault(redis, other, false);
      await until(async () => (await ready(running.url)) === 200, 30_000);
      await until(async () => running.output().includes('"store_up"'), 30_000);
      const told = running.output().match(/"event":"store_(?:down|up)"[^\n]*/gu);
      expect(told?.filter((line) => !line.includes('"timeout"'))).toEqual([
        `"event":"store_down","reason":"${reason}"}`,
        '"event":"store_up"}',
      ]);
    },
    120_000,
  );

  it('a database that Redis does not have ends the boot', async () => {
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    const running = await startSandbox(`${redis.url}/99`);
    await until(async () => running.child.exitCode !== null, 30_000);
    expect(running.output()).toContain('REDIS_URL names a database that this Redis does not have.');
    expect(await redis.command('DBSIZE')).toBe(0);
  }, 60_000);

  it('an eviction policy that appears later stops what can be charged', async () => {
    const redis = await startRedis();
    const provider = await startLedgerProvider();
    cleanUp.push(redis.stop, provider.stop);
    const replica = await startReplica(redis.url, provider.url, {});
    cleanUp.push(replica.kill);
    await until(async () => (await replica.check('before', 'before'))?.check, 30_000);
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    // At a new connection, as after a failover.
    await redis.command('CLIENT', 'KILL', 'TYPE', 'normal');
    await until(async () => (await statusOf(`${replica.url}/health/ready`)) === 503, 30_000);
    const { paidFor } = provider;
    expect(await replica.check('during', 'during')).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(paidFor('during')).toBe(0);
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await until(async () => (await replica.check('after', 'after'))?.check, 30_000);
  }, 120_000);
});

/** A sandbox over Redis, without waiting for it. */
async function startSandbox(redisUrl: string) {
  const port = await freePort();
  const child = spawn(process.execPath, ['src/main.ts'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: String(port),
      REDIS_URL: redisUrl,
      STORE_HASH_KEYS: `h1:${key}`,
      STORE_ENCRYPTION_KEYS: `e1:${key}`,
    },
  });
  cleanUp.push(() => child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += String(chunk);
    });
  }
  return { child, url: `http://127.0.0.1:${port}`, output: () => text };
}
