import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRedisProxy } from '../support/redis-proxy.ts';
import { startReplicaGroup, type ReplicaGroup } from '../support/replica-group.ts';
import { startReplica } from '../support/replicas.ts';
import { until } from '../support/until.ts';

// Real processes on one Redis, before one provider that keeps a ledger of its calls.

const count = 4;
let group: ReplicaGroup;
const oneOf = (at: number) => group.oneOf(at);

beforeAll(async () => {
  group = await startReplicaGroup(count);
}, 90_000);
afterAll(() => group?.stop());

/** Like a client, it repeats the key while the machine is too busy. */
const checked = (at: number, name: string, key: string) =>
  until(async () => {
    const one = await oneOf(at).check(name, key);
    return one?.check ? one : null;
  }, 60_000);
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe('four replicas on one Redis', () => {
  it('pay once for a hundred requests with one key, and all return the same check', async () => {
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, at) => checked(at, 'equal', 'equal')),
    );
    expect(group.provider.paidFor('equal')).toBe(1);
    expect(new Set(all.map((one) => one.check?.id)).size).toBe(1);
    // A caller that had to repeat its request may have missed the only fresh response.
    expect(all.filter((one) => one.replayed === false).length).toBeLessThanOrEqual(1);
  }, 90_000);

  it('pay once for a hundred keys with the same input', async () => {
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, at) => checked(at, 'same', `same-${at}`)),
    );
    expect(group.provider.paidFor('same')).toBe(1);
    expect(all.filter((one) => one.cached === false).length).toBeLessThanOrEqual(1);
    expect(new Set(all.map((one) => one.check?.id)).size).toBe(100);
  }, 90_000);

  it('return OUTCOME_UNKNOWN when the paying replica is killed, and never pay again', async () => {
    const doomed = await startReplica(group.redis.url, group.provider.url);
    group.provider.onCall(() => void doomed.kill());
    const lost = doomed.check('killed', 'killed');
    await until(async () => group.provider.paidFor('killed') === 1);
    group.provider.onCall(null);
    expect(await lost).toBeNull();
    const others = await Promise.all([0, 1, 2].map((at) => oneOf(at).check('killed', 'killed')));
    // No replica calls again, neither while the response may come nor afterwards.
    for (const other of others) {
      expect(['IN_PROGRESS', 'OUTCOME_UNKNOWN']).toContain(other.code);
    }
    const late = await until(async () => {
      const answer = await oneOf(3).check('killed', 'killed');
      return answer.code === 'IN_PROGRESS' ? null : answer;
    }, 30_000);
    expect(late).toMatchObject({ code: 'OUTCOME_UNKNOWN', retry: 'NEW_KEY', billing: 'UNKNOWN' });
    expect(group.provider.paidFor('killed')).toBe(1);
  }, 60_000);

  it('never pay again when a process is paused past its deadline and resumed', async () => {
    const paused = await startReplica(group.redis.url, group.provider.url);
    let answer = (): void => {};
    group.provider.onCall((_name, reply) => {
      answer = reply;
      paused.pause();
    });
    const first = paused.check('paused', 'paused');
    await until(async () => group.provider.paidFor('paused') === 1);
    group.provider.onCall(null);
    answer();
    const unknown = await until(async () => {
      const told = await oneOf(0).check('paused', 'paused');
      return told.code === 'OUTCOME_UNKNOWN' ? told : null;
    }, 30_000);
    expect(unknown).toMatchObject({ retry: 'NEW_KEY' });
    paused.resume();
    await first;
    // A response that it reads after the deadline may settle the key, but never causes another call.
    const last = await oneOf(1).check('paused', 'paused');
    expect(last.code === 'OUTCOME_UNKNOWN' || last.check?.outcome === 'MATCHED').toBe(true);
    expect(group.provider.paidFor('paused')).toBe(1);
    await paused.kill();
  }, 60_000);

  it('send nothing from a process that was paused between its claim and its call', async () => {
    const proxy = await startStartedWatch(group.redis.port);
    const sleeper = await startReplica(proxy.url, group.provider.url);
    // Stopped when Redis has confirmed STARTED and before the process hears of it.
    proxy.beforeStarted(() => sleeper.pause());
    const first = sleeper.check('slept', 'slept');
    await until(async () => proxy.hits() > 0, 20_000);
    await sleep(9000);
    sleeper.resume();
    await first;
    expect(group.provider.paidFor('slept')).toBe(0);
    const other = await oneOf(0).check('slept', 'slept');
    expect(['OUTCOME_UNKNOWN', undefined]).toContain(other.code);
    expect(group.provider.paidFor('slept')).toBeLessThanOrEqual(1);
    await sleeper.kill();
    await proxy.stop();
  }, 60_000);

  it('pay at most once per key while they are killed and paused at random', async () => {
    const names = Array.from({ length: 40 }, (_, at) => `chaos-${at}`);
    const told = new Map<string, string>();
    let isOver = false;
    // Late responses, so that kills and pauses meet calls in flight.
    group.provider.onCall((_name, answer) => void setTimeout(answer, Math.random() * 400));
    const chaos = (async () => {
      for (let round = 0; round < 12; round++) {
        const at = Math.floor(Math.random() * count);
        if (round % 2 === 0) {
          await group.replace(at);
        } else {
          const victim = oneOf(at);
          victim.pause();
          await sleep(500 + Math.random() * 1500);
          victim.resume();
        }
      }
      isOver = true;
    })();
    await Promise.all(
      names.map(async (name, at) => {
        await sleep(at * 150);
        for (let time = 0; !told.has(name); time++) {
          const answer = await oneOf(at + time).check(name, name);
          if (answer?.check) told.set(name, answer.check.outcome);
          else if (answer?.code === 'OUTCOME_UNKNOWN') told.set(name, 'OUTCOME_UNKNOWN');
          else await sleep(isOver ? 500 : 100);
          if (time > 200) throw new Error(`never told: ${JSON.stringify(answer)}`);
        }
      }),
    );
    await chaos;
    group.provider.onCall(null);
    for (const name of names) {
      expect(group.provider.paidFor(name), name).toBeLessThanOrEqual(1);
      if (told.get(name) === 'MATCHED') expect(group.provider.paidFor(name), name).toBe(1);
    }
    // Most checks succeed.
    expect([...told.values()].filter((one) => one === 'MATCHED').length).toBeGreaterThan(20);
  }, 180_000);

  it('pay nothing while Redis is stopped, and continue afterwards', async () => {
    // A replica that has just been paused or started answers 503 for a moment.
    const isReady = (at: number) => until(async () => (await oneOf(at).check('up', 'up'))?.check);
    await Promise.all([0, 1, 2, 3].map(isReady));
    group.redis.child.kill('SIGSTOP');
    try {
      const answers = await Promise.all(
        [0, 1, 2, 3].map((at) => oneOf(at).check('away', `a-${at}`)),
      );
      for (const answer of answers) expect(answer.code).toBe('STORE_UNAVAILABLE');
      expect(group.provider.paidFor('away')).toBe(0);
    } finally {
      group.redis.child.kill('SIGCONT');
    }
    await until(async () => (await oneOf(0).check('away', 'b'))?.check, 30_000);
    expect(group.provider.paidFor('away')).toBe(1);
  }, 60_000);

  it('leave no key in Redis without expiry or with personal data', async () => {
    const keys = (await group.redis.command('KEYS', '*')) as string[];
    expect(keys.length).toBeGreaterThan(20);
    for (const key of keys) {
      // The follow-ups and the streams are limited by length, and contain only ids, hashes and codes.
      const isPlan = key.startsWith('{vs:sandbox}:follow-ups:');
      const audit = ['', ':settings', ':relay'].map((part) => `{vs:sandbox}:audit${part}`);
      const streams = ['vs:sandbox:events', ...audit];
      const isBounded = isPlan || streams.includes(key);
      if (!isBounded) expect(await group.redis.command('PTTL', key), key).not.toBe(-1);
      const type = String(await group.redis.command('TYPE', key));
      // It has expired meanwhile.
      if (type === 'none') continue;
      const readers: Readonly<Record<string, [string, ...string[]]>> = {
        hash: ['HGETALL', key],
        string: ['GET', key],
        list: ['LRANGE', key, '0', '-1'],
        zset: ['ZRANGE', key, '0', '-1'],
        stream: ['XRANGE', key, '-', '+'],
      };
      const reader = readers[type];
      if (!reader) throw new Error(`${key} is a ${type}`);
      const text = `${key} ${JSON.stringify(await group.redis.command(...reader))}`;
      for (const value of ['11204416541220243X', '6225768888888888', '16137688175', 'chaos']) {
        expect(text).not.toContain(value);
        const plain = createHash('sha256').update(value).digest();
        for (const encoding of ['hex', 'base64', 'base64url'] as const) {
          expect(text).not.toContain(plain.toString(encoding));
        }
      }
    }
  });
});

/** A proxy that calls back between Redis confirming a start and the replica reading it. */
async function startStartedWatch(redisPort: number) {
  let hits = 0;
  let onReply: (() => void) | null = null;
  const proxy = await startRedisProxy(redisPort, (client, upstream) => {
    let isStarting = false;
    client.on('data', (chunk) => {
      // `claimed` is an argument of the script that starts a claim.
      if (chunk.includes('$7\r\nclaimed\r\n')) isStarting = true;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (isStarting && onReply) {
        hits += 1;
        onReply();
        onReply = null;
      }
      isStarting = false;
      client.write(chunk);
    });
  });
  return {
    ...proxy,
    hits: () => hits,
    beforeStarted: (act: () => void) => {
      onReply = act;
    },
  };
}
