import { fork } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startFarAway } from '../support/far-away.ts';
import { certificate } from '../support/slow-to-connect.ts';
import { startRedis } from '../support/redis.ts';
import { startLedgerProvider, startReplica, type Replica } from '../support/replicas.ts';
import { until } from '../support/until.ts';

// Measures when the whole service writes its requests to the provider's sockets.

const cleanUp: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of cleanUp.toReversed()) await end();
});

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const perSecond = 20;

async function ready(replica: Replica): Promise<void> {
  await until(async () => (await replica.check('warm', 'warm'))?.check, 30_000);
}

function mostInAnySecond(atMs: readonly number[]): number {
  return Math.max(
    0,
    ...atMs.map((from) => atMs.filter((ms) => ms >= from && ms < from + 1000).length),
  );
}

/** Notes when a process sends. `read` resolves to the times since the last question, in ms. */
async function createSendLog() {
  const folder = await mkdtemp(path.join(tmpdir(), 'sends-'));
  cleanUp.push(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'sends.txt');
  const module = new URL('../support/note-sends.ts', import.meta.url);
  module.searchParams.set('file', file);
  return {
    env: { NODE_OPTIONS: `--import ${module.href}` },
    read: async (): Promise<readonly number[]> => {
      const lines = (await readFile(file, 'utf8')).split('\n').filter(Boolean);
      await writeFile(file, '');
      return lines.map(Number);
    },
  };
}

/** A provider with slow connections. `arrivals` counts those since the last question. */
async function startSlowToConnect() {
  const child = fork(new URL('../support/slow-to-connect.ts', import.meta.url));
  cleanUp.push(() => child.kill('SIGKILL'));
  const next = () => new Promise<unknown>((resolve) => child.once('message', resolve));
  const port = await next();
  return {
    url: `https://localhost:${String(port)}`,
    arrivals: async () => {
      child.send('arrivals');
      return (await next()) as number;
    },
  };
}

/** Sends checks evenly, as many as the quota allows. Returns how many had to be sent again. */
async function repeatedAtFullQuota(redisUrl: string, count: number, time: number): Promise<number> {
  const provider = await startLedgerProvider();
  cleanUp.push(provider.stop);
  const replica = await startReplica(redisUrl, provider.url, {
    TENCENT_CN_LIMIT_BANKCARD4EVERIFICATION: String(perSecond),
  });
  cleanUp.push(replica.kill);
  await ready(replica);
  const repeated = new Set<number>();
  await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      await sleep((at * 1000) / (perSecond * 0.9));
      // Like a client, it retries with the same key on a busy machine.
      const check = await until(async () => {
        const one = await replica.check(`even-${time}-${at}`, `even-${time}-${at}`);
        if (!one?.check) repeated.add(at);
        return one?.check;
      }, 60_000);
      expect(check.outcome).toBe('MATCHED');
    }),
  );
  return repeated.size;
}

describe('the quota of a provider', () => {
  it('is kept when the bytes are written, also over new connections', async () => {
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    const provider = await startSlowToConnect();
    const sends = await createSendLog();
    const replica = await startReplica(redis.url, provider.url, {
      ...sends.env,
      NODE_EXTRA_CA_CERTS: certificate,
      TENCENT_CN_LIMIT_BANKCARD4EVERIFICATION: String(perSecond),
    });
    cleanUp.push(replica.kill);
    await ready(replica);
    for (let burst = 0; burst < 2; burst++) {
      // Longer than any connection is kept.
      await sleep(6000);
      await provider.arrivals();
      await sends.read();
      const all = await Promise.all(
        Array.from({ length: 45 }, (_, at) =>
          // Like a client, it retries with the same key on a busy machine.
          until(async () => {
            const one = await replica.check(`burst-${burst}-${at}`, `burst-${burst}-${at}`);
            return one?.check;
          }, 60_000),
        ),
      );
      const [arrivals, sentMs] = [await provider.arrivals(), await sends.read()];
      expect(mostInAnySecond(sentMs)).toBeLessThanOrEqual(perSecond);
      expect(sentMs).toHaveLength(arrivals);
      expect(all).toHaveLength(45);
    }
  }, 90_000);

  it('is used up when Redis is 100 ms away', async () => {
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    const far = await startFarAway(redis.port, 50);
    cleanUp.push(far.stop);
    const near = await startRedis();
    cleanUp.push(near.stop);
    const count = 6 * perSecond * 0.9;
    // Without reserving ahead by the round-trip time, two thirds are repeated each time. A pause of the machine makes
    // the far replica miss more slots than the near one, so that a single measurement proves nothing.
    let isUsedUp = false;
    for (let time = 0; time < 3 && !isUsedUp; time++) {
      // At the same time, so that a busy machine disturbs both alike.
      const [farRepeated = count, nearRepeated = 0] = await Promise.all(
        [far.url, near.url].map((url) => repeatedAtFullQuota(url, count, time)),
      );
      isUsedUp = farRepeated < nearRepeated + count * 0.2;
    }
    expect(isUsedUp).toBe(true);
  }, 240_000);
});
