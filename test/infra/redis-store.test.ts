import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailable, type Store } from '../../src/ports/index.ts';
import { readRedisLedger } from '../../src/infra/redis/read-redis-ledger.ts';
import {
  redisStoreOf,
  someKey,
  startCluster,
  startRedis,
  startSentinel,
  type RedisGroup,
  type RedisServer,
} from '../support/redis.ts';
import { describeStore } from '../support/store-contract.ts';
import { until } from '../support/until.ts';
import { kept } from '../support/kept.ts';

const cleanUp: (() => Promise<void>)[] = [];
let single: RedisServer;
let cluster: RedisGroup;

beforeAll(async () => {
  [single, cluster] = await Promise.all([startRedis(), startCluster()]);
  cleanUp.push(single.stop, cluster.stop);
}, 60_000);
afterAll(async () => {
  for (const end of cleanUp.toReversed()) await end();
});

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function fresh(url: string, clear: () => Promise<unknown>) {
  await clear();
  const { client, store } = await redisStoreOf(url);
  const entries = async (): Promise<readonly string[]> => {
    const told: string[] = [];
    const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
    for await (const { kind, recordId, of } of readRedisLedger(client, 'sandbox', all)) {
      if (kind !== 'revoked') told.push(`${kind} ${recordId}`);
      else told.splice(told.indexOf(`${of} ${recordId}`), 1);
    }
    return told;
  };
  const mayRepeatEntries = client.isCluster;
  return { store, pass: sleep, entries, mayRepeatEntries, end: () => store.close() };
}

describeStore('one Redis', () => fresh(single.url, () => single.command('FLUSHALL')));
describeStore('a cluster of three masters', () =>
  fresh(cluster.url, () =>
    Promise.all(cluster.servers.map((server) => server.command('FLUSHALL'))),
  ),
);

describe('the Redis store', () => {
  const records = async (store: Store, ids: readonly string[]) =>
    (await store.records.get(ids)).map((record) => record?.body ?? null);

  it('keeps no id, body or claim in clear text, and no key without expiry', async () => {
    await single.command('FLUSHALL');
    const { client, store } = await redisStoreOf(single.url);
    await store.records.create('ver_CANARY', ...kept('{"name":"CANARY"}'));
    const taken = await store.claims.take({
      key: 'hashed',
      fingerprint: 'print',
      recordId: 'ver_CANARY',
      owner: 'owner',
      effect: 'may_charge',
      leaseMs: 5000,
    });
    expect(taken.state).toBe('won');
    const keys = await client.keys('*');
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      expect(key).toMatch(/^vs:sandbox:(?:record:\{[\w-]+\}(?::personal)?|claim:[\w-]+)$/u);
      expect(await client.pttl(key)).toBeGreaterThan(0);
      const dumped = (await client.dumpBuffer(key))?.toString('latin1');
      expect(`${key} ${dumped}`).not.toContain('CANARY');
    }
    await store.close();
  });

  it('rejects a ciphertext that was altered or moved to another key', async () => {
    await single.command('FLUSHALL');
    const { client, store } = await redisStoreOf(single.url);
    await store.records.create('a', ...kept('body of a'));
    await store.records.create('b', ...kept('body of b'));
    expect(await records(store, ['a', 'b'])).toEqual(['body of a', 'body of b']);
    const places = await client.keys('vs:sandbox:record:*');
    const bodies = await Promise.all(places.map((place) => client.get(place)));
    const [first = '', second = ''] = places.slice(-2);
    await client.set(first, bodies.at(-1) ?? '', 'PX', 60_000);
    // An error instead of a miss, and the other record is not affected.
    const found = await store.records.get(['a', 'b']);
    expect(found.map((record) => record !== null)).toEqual([true, true]);
    expect(found.map((record) => record?.body)).toContain('');
    const altered = `${bodies.at(-1)?.slice(0, -2) ?? ''}AA`;
    await client.set(second, altered, 'PX', 60_000);
    expect(await records(store, ['a', 'b'])).toEqual(['', '']);
    await store.close();
  });

  it('reads 500 records with five commands, also with two hash keys', async () => {
    const { client, store } = await redisStoreOf(single.url, {
      hash: [someKey('new'), someKey('old')],
    });
    const ids = Array.from({ length: 500 }, (_, at) => `id-${at}`);
    await Promise.all(ids.map((id) => store.records.create(id, ...kept(id))));
    const stats = async () =>
      Number(/cmdstat_mget:calls=(\d+)/u.exec(await client.info('commandstats'))?.[1]);
    await records(store, ids.slice(0, 1));
    const before = await stats();
    expect(await records(store, ids)).toEqual(ids);
    expect((await stats()) - before).toBe(5);
    await store.close();
  });

  it('finds records under either key during a rotation', async () => {
    await single.command('FLUSHALL');
    const [oldHash, newHash] = [someKey('h1'), someKey('h2')];
    const [oldSeal, newSeal] = [someKey('e1'), someKey('e2')];
    // First all replicas can read with the new keys, then they write with them.
    const before = await redisStoreOf(single.url, { hash: [oldHash], encryption: [oldSeal] });
    const prepared = await redisStoreOf(single.url, {
      hash: [oldHash, newHash],
      encryption: [oldSeal, newSeal],
    });
    const promoted = await redisStoreOf(single.url, {
      hash: [newHash, oldHash],
      encryption: [newSeal, oldSeal],
    });
    await before.store.records.create('1', ...kept('one'));
    await prepared.store.records.create('2', ...kept('two'));
    await promoted.store.records.create('3', ...kept('three'));
    expect(await records(prepared.store, ['1', '2', '3'])).toEqual(['one', 'two', 'three']);
    expect(await records(promoted.store, ['1', '2', '3'])).toEqual(['one', 'two', 'three']);
    const [found] = await promoted.store.records.get(['1']);
    if (!found) throw new Error('not found');
    expect(await promoted.store.records.replace(found, ...kept('one more'))).toMatchObject({
      version: 2,
    });
    expect(await promoted.store.records.replace(found, ...kept('again'))).toBeNull();
    expect(await records(prepared.store, ['1'])).toEqual(['one more']);
    await prepared.store.records.remove('3');
    expect(await records(promoted.store, ['3'])).toEqual([null]);
    for (const { store } of [before, prepared, promoted]) await store.close();
  });

  it('rejects an old part that was restored with its version beside a newer other part', async () => {
    await single.command('FLUSHALL');
    const { client, store } = await redisStoreOf(single.url);
    const life = { seconds: 60, personalSeconds: 60 };
    await store.records.create('a', { body: 'one', personal: 'person one' }, life);
    const place = (await client.keys('vs:sandbox:record:*:personal'))[0] ?? '';
    const old = (await client.get(place)) ?? '';
    const [found] = await store.records.get(['a']);
    if (!found) throw new Error('not found');
    await store.records.replace(found, { body: 'two', personal: 'person two' }, life);
    await client.set(place, old, 'PX', 60_000);
    expect(await store.records.get(['a'])).toMatchObject([{ body: 'two', personal: '' }]);
    await store.close();
  });

  it('rejects an old ciphertext that was restored beside a newer version', async () => {
    await single.command('FLUSHALL');
    const { client, store } = await redisStoreOf(single.url);
    await store.records.create('a', ...kept('one'));
    const [place = ''] = await client.keys('vs:sandbox:record:*');
    const [, old = ''] = ((await client.get(place)) ?? '').split(' ');
    const [found] = await store.records.get(['a']);
    if (!found) throw new Error('not found');
    await store.records.replace(found, ...kept('two'));
    expect(await records(store, ['a'])).toEqual(['two']);
    await client.set(place, `2 ${old}`, 'PX', 60_000);
    expect(await records(store, ['a'])).toEqual(['']);
    await store.close();
  });

  it('shares no key with another mode', async () => {
    const { client, store } = await redisStoreOf(single.url);
    await store.records.create('mode', ...kept('body'));
    expect((await client.keys('*')).every((key) => key.startsWith('vs:sandbox:'))).toBe(true);
    await store.close();
  });

  it('continues when the server has lost its scripts', async () => {
    const { store } = await redisStoreOf(single.url);
    await store.records.create('a', ...kept('one'));
    await single.command('SCRIPT', 'FLUSH');
    const [found] = await store.records.get(['a']);
    if (!found) throw new Error('not found');
    expect(await store.records.replace(found, ...kept('two'))).toMatchObject({ version: 2 });
    await store.close();
  });

  it('follows a failover: at most one replica holds a claim, and written records are found', async () => {
    const group = await startSentinel();
    const { store } = await redisStoreOf(group.url);
    try {
      await store.records.create('a', ...kept('one'));
      const [master] = group.servers;
      await master?.command('WAIT', '1', '1000');
      await master?.stop();
      await until(
        () =>
          store.records.get(['a']).then(
            ([record]) => record?.body === 'one',
            () => false,
          ),
        30_000,
      );
      await until(
        () =>
          store.records.create('b', ...kept('two')).then(
            () => true,
            () => false,
          ),
        30_000,
      );
      expect(await records(store, ['b'])).toEqual(['two']);
    } finally {
      await store.close();
      await group.stop();
    }
  }, 90_000);
});

describe('a Redis in trouble', () => {
  /** How a call ended, or that it took too long for the caller. */
  async function endOf(work: Promise<unknown>): Promise<string> {
    const late = sleep(3000).then(() => 'too late');
    return Promise.race([
      late,
      work.then(
        () => 'done',
        (error: unknown) => (error instanceof StoreUnavailable ? 'unavailable' : String(error)),
      ),
    ]);
  }

  it.each<[string, (server: RedisServer) => unknown]>([
    ['is killed', (server) => server.stop()],
    ['is stopped', (server) => server.child.kill('SIGSTOP')],
    ['pauses its clients', (server) => server.command('CLIENT', 'PAUSE', '2000', 'ALL')],
    [
      'sleeps',
      (server) => {
        server.command('DEBUG', 'SLEEP', '2').catch(() => {});
        return sleep(50);
      },
    ],
  ])(
    'is reported in time when it %s, and is used again afterwards',
    async (_name, harm) => {
      let server = await startRedis(['--enable-debug-command', 'yes']);
      const { port } = server;
      const { store } = await redisStoreOf(server.url);
      try {
        await store.ping();
        await harm(server);
        expect(await endOf(store.ping())).toBe('unavailable');
        expect(await endOf(store.records.create('a', ...kept('one')))).toBe('unavailable');
        expect(await endOf(store.records.get(['a']))).toBe('unavailable');
        if (server.child.killed && server.child.signalCode === null) server.child.kill('SIGCONT');
        if (server.child.signalCode !== null) server = await startRedis([], { port });
        await until(
          () =>
            store.ping().then(
              () => true,
              () => false,
            ),
          20_000,
        );
      } finally {
        await store.close();
        server.child.kill('SIGCONT');
        await server.stop();
      }
    },
    60_000,
  );

  it('is reported when it is full, and still serves reads', async () => {
    const server = await startRedis();
    const { store } = await redisStoreOf(server.url);
    await store.records.create('a', ...kept('one'));
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await endOf(store.records.create('b', ...kept('two')))).toBe('unavailable');
    expect((await store.records.get(['a']))[0]?.body).toBe('one');
    await store.close();
    await server.stop();
  });

  it('is StoreUnavailable, not a bug, when it was never there', async () => {
    const { store } = await redisStoreOf('redis://127.0.0.1:1', {}, 500);
    expect(await endOf(store.ping())).toBe('unavailable');
    await store.close();
  }, 20_000);
});
