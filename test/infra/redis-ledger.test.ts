import { hash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/infra/redis/ledger-pairs.ts';
import {
  connectRedis,
  waitForRedis,
  type RedisClient,
} from '../../src/infra/redis/connect-redis.ts';
import { readRedisLedger } from '../../src/infra/redis/read-redis-ledger.ts';
import { createRedisLedger } from '../../src/infra/redis/redis-ledger.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

const stream = '{vs:live}:audit';
const clients: RedisClient[] = [];
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
  for (let at = 0; at < 4; at++) {
    const client = connectRedis({ url: redis.url });
    await waitForRedis(client, 45_000);
    clients.push(client);
  }
});
afterAll(async () => {
  for (const client of clients) client.disconnect();
  await redis.stop();
});
beforeEach(() => redis.command('FLUSHALL'));

const ledgerOf = (client: RedisClient, mostEntries = 100_000) =>
  createRedisLedger({
    ...{ client, mode: 'live', scopes: null, now: Date.now },
    bounds: { mostEntries, days: 30 },
  });

const entry = (recordId: string) => ({ kind: 'charge', atMs: Date.now(), recordId }) as const;

async function all() {
  const [client] = clients;
  if (!client) throw new Error('no client');
  const lines = [];
  const range = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
  for await (const line of readRedisLedger(client, 'live', range)) lines.push(line);
  return lines;
}

async function append(client: RedisClient, count: number, mostEntries?: number): Promise<void> {
  const ledger = ledgerOf(client, mostEntries);
  await Promise.all(Array.from({ length: count }, (_, at) => ledger.append([entry(`r${at}`)])));
}

describe('the ledger in Redis', () => {
  it('is one chain, whoever writes at the same time', async () => {
    await Promise.all(clients.map((client) => append(client, 250)));
    const lines = await all();
    expect(lines).toHaveLength(1000);
    let before = '';
    for (const [at, { entry: id, seq, chain = '', ...content }] of lines.entries()) {
      expect(seq).toBe(String(at + 1));
      const digest = digestOf(JSON.stringify(Object.entries(content).flat()));
      before = hash('sha1', `${before} ${id} ${seq} ${digest}`, 'hex');
      expect(chain).toBe(before);
    }
  });

  it('continues after Redis’ clock was set back', async () => {
    const future = Date.now() + 3_600_000;
    await redis.command('XADD', stream, `${future}-7`, 'kind', 'charge', 'seq', '4', 'chain', 'c');
    await append(clients[0] as RedisClient, 2);
    const lines = await all();
    expect(lines.map(({ entry: id, seq }) => [id, seq])).toEqual([
      [`${future}-7`, '4'],
      [`${future}-8`, '5'],
      [`${future}-9`, '6'],
    ]);
  });

  it('keeps no more entries than it may', async () => {
    await append(clients[0] as RedisClient, 1600, 1000);
    const lines = await all();
    expect(lines.length).toBeGreaterThanOrEqual(1000);
    expect(lines.length).toBeLessThanOrEqual(1200);
    expect(lines.at(-1)?.['seq']).toBe('1600');
  });

  it('drops old entries only after every consumer group has acknowledged them', async () => {
    const old = Array.from({ length: 400 }, (_, at) => `1-${at + 1}`);
    for (const id of old) await redis.command('XADD', stream, id, 'kind', 'charge');
    await redis.command('XGROUP', 'CREATE', stream, 'archive', '0');
    const [client] = clients as [RedisClient];
    await append(client, 100);
    expect(await all()).toHaveLength(500);
    const read = ['XREADGROUP', 'GROUP', 'archive', 'one', 'COUNT', '1000', 'STREAMS', stream, '>'];
    await redis.command(...(read as [string, ...string[]]));
    await append(client, 100);
    expect(await all()).toHaveLength(600);
    const ids = (await all()).map(({ entry: id }) => id);
    await redis.command('XACK', stream, 'archive', ...ids.slice(0, 500));
    await append(client, 100);
    const lines = await all();
    expect(lines.length).toBeLessThan(450);
    expect(lines.at(-1)?.['seq']).toBe('300');
  });
});
