import { fork } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { startFarAway } from '../support/far-away.ts';
import { certificate } from '../support/slow-to-connect.ts';
import { startRedis } from '../support/redis.ts';
import { startLedgerProvider, startReplica, type Replica } from '../support/replicas.ts';
import { until } from '../support/until.ts';

// Measures what reaches the provider from the whole service, by the clock of its socket.

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

/** A provider with slow connections. `arrivals` are those since the last question. */
async function startSlowToConnect() {
  const child = fork(new URL('../support/slow-to-connect.ts', import.meta.url));
  cleanUp.push(() => child.kill('SIGKILL'));
  const next = () => new Promise<unknown>((resolve) => child.once('message', resolve));
  const port = await next();
  return {
    url: `https://localhost:${String(port)}`,
    arrivals: async () => {
      child.send('arrivals');
      return (await next()) as number[];
    },
  };
}

describe('the quota of a provider', () => {
  it('is kept at the provider’s socket, also over new connections', async () => {
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    const provider = await startSlowToConnect();
    const replica = await startReplica(redis.url, provider.url, {
      NODE_EXTRA_CA_CERTS: certificate,
      TENCENT_CN_LIMIT_BANKCARD4EVERIFICATION: String(perSecond),
    });
    cleanUp.push(replica.kill);
    await ready(replica);
    for (let burst = 0; burst < 2; burst++) {
      // Longer than any connection is kept.
      await sleep(6000);
      await provider.arrivals();
      const all = await Promise.all(
        Array.from({ length: 45 }, (_, at) =>
          replica.check(`burst-${burst}-${at}`, `burst-${burst}-${at}`),
        ),
      );
      const arrivedMs = await provider.arrivals();
      expect(mostInAnySecond(arrivedMs)).toBeLessThanOrEqual(perSecond);
      expect(all.filter((one) => one?.check).length).toBeGreaterThan(perSecond);
    }
  }, 90_000);

  it('is used up when Redis is 100 ms away', async () => {
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    const far = await startFarAway(redis.port, 50);
    cleanUp.push(far.stop);
    const provider = await startLedgerProvider();
    cleanUp.push(provider.stop);
    const replica = await startReplica(far.url, provider.url, {
      TENCENT_CN_LIMIT_BANKCARD4EVERIFICATION: String(perSecond),
    });
    cleanUp.push(replica.kill);
    await ready(replica);
    const seconds = 6;
    const told: string[] = [];
    const repeated = new Set<number>();
    const count = seconds * perSecond * 0.9;
    // As many as the quota allows, evenly. Like a client, it retries with the same key on a busy machine.
    await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        await sleep((at * 1000) / (perSecond * 0.9));
        const answer = await until(async () => {
          const one = await replica.check(`far-${at}`, `far-${at}`);
          if (one?.retry === 'SAME_KEY') repeated.add(at);
          return repeated.has(at) && !one?.check ? null : one;
        }, 30_000);
        told.push(answer.check?.outcome ?? answer.code);
      }),
    );
    expect(told.filter((one) => one !== 'MATCHED')).toEqual([]);
    // Without reserving ahead by the round-trip time, two thirds were repeated.
    expect(repeated.size).toBeLessThan(count * 0.2);
  }, 60_000);
});
