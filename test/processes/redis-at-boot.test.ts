import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startRedis } from '../support/redis.ts';
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
});
