import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cardInput } from '../support/card-input.ts';
import { checkMutation, startMutation } from '../support/operations.ts';
import { startRedisProxy } from '../support/redis-proxy.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

// How often an operation goes to Redis and waits for the reply, seen on the wire. Replies take 30 ms, so that commands
// that are sent at the same time are one round trip.

const replyAfterMs = 30;
let redis: RedisServer;
let wire: Awaited<ReturnType<typeof startWire>>;
let app: TestApp;

const startInput = (idempotencyKey: string) => ({
  input: { idempotencyKey, channel: 'E_ID', extra: idempotencyKey },
});
const check = (name: string, idempotencyKey = name) =>
  app.send(checkMutation, { input: cardInput(name, idempotencyKey) });

beforeAll(async () => {
  redis = await startRedis();
  wire = await startWire(redis.port);
  const key = `k1:${randomBytes(32).toString('base64')}`;
  app = await startTestApp({
    env: {
      REDIS_URL: wire.url,
      STORE_HASH_KEYS: key,
      STORE_ENCRYPTION_KEYS: key,
    },
  });
  // Loads the scripts, and waits until the traffic of other replicas is known.
  await app.send(startMutation, startInput('warm'));
  await check('热身');
  await check('热身', 'cached');
});
afterAll(async () => {
  await app?.stop();
  await wire?.stop();
  await redis?.stop();
});

/** Counts round trips: a command that is sent while no reply is outstanding begins a new one. */
async function startWire(port: number) {
  let trips = 0;
  const proxy = await startRedisProxy(port, (client, upstream) => {
    let isWaiting = false;
    client.on('data', (chunk) => {
      // Heartbeats and the queue are no part of an operation.
      const isOperation = /:(?:record|claim|cache|lock|list|quota):/u.test(
        chunk.toString('latin1'),
      );
      if (isOperation && !isWaiting) trips += 1;
      isWaiting ||= isOperation;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      setTimeout(() => {
        isWaiting = false;
        client.write(chunk);
      }, replyAfterMs);
    });
  });
  return {
    ...proxy,
    tripsOf: async (work: () => Promise<unknown>): Promise<number> => {
      const before = trips;
      await work();
      return trips - before;
    },
  };
}

const entitiesQuery = `query ($r: [_Any!]!) { _entities(representations: $r) {
  ... on Verification { id status user { id } provider { id } }
  ... on BankCardCheck { id }
} }`;

/**
 * The fewest of several tries: on a busy machine a reply may come before a command that was to be sent beside it.
 */
async function fewestOf(
  measure: (time: number) => Promise<number>,
  enough: number,
): Promise<number> {
  let fewest = Infinity;
  for (let time = 0; time < 12 && fewest > enough; time++) {
    fewest = Math.min(fewest, await measure(time));
  }
  return fewest;
}

describe('the Redis round trips', () => {
  it('of a start are five, and of its replay two', async () => {
    const start = (key: string, replayed: boolean) =>
      wire.tripsOf(async () => {
        const { data } = await app.send(startMutation, startInput(key));
        expect(data.startVerification).toMatchObject({ replayed });
      });
    expect(await fewestOf((time) => start(`start-${time}`, false), 5)).toBe(5);
    expect(await fewestOf(() => start('start-0', true), 2)).toBe(2);
  }, 90_000);

  it('of a paid card check are seven, of a cached one three, and of a replay two', async () => {
    const trips = (name: string, key: string, expected: object) =>
      wire.tripsOf(async () => {
        expect((await check(name, key)).data.checkBankCard).toMatchObject(expected);
      });
    const names = ['赵', '钱', '孙', '李', '周', '吴', '郑', '王', '冯', '陈', '褚', '卫'];
    const paid = (time: number) => {
      const name = `${names[time] ?? ''}小宝`;
      return trips(name, name, { cached: false, replayed: false });
    };
    expect(await fewestOf(paid, 7)).toBe(7);
    const name = `${names[0] ?? ''}小宝`;
    const cached = (time: number) =>
      trips(name, `other-${time}`, { cached: true, replayed: false });
    expect(await fewestOf(cached, 3)).toBe(3);
    expect(await fewestOf(() => trips(name, name, { replayed: true }), 2)).toBe(2);
  }, 90_000);

  it('of fifty entities are one, and of a thousand as few as their pieces on the wire', async () => {
    const { data } = await app.send(startMutation, startInput('entity'));
    const { id } = data.startVerification.verification;
    const read = (count: number) => {
      const others = Array.from({ length: count - 1 }, (_, at) => {
        const made = randomBytes(16).toString('base64url');
        return at % 2
          ? { __typename: 'Verification', id: `ver_${made}` }
          : { __typename: 'BankCardCheck', id: `bcc_${made}` };
      });
      const r = [{ __typename: 'Verification', id }, ...others];
      return wire.tripsOf(async () => {
        const { data: found } = await app.send(entitiesQuery, { r });
        expect(found._entities).toHaveLength(count);
        expect(found._entities[0]).toMatchObject({ id });
      });
    };
    expect(await fewestOf(() => read(50), 1)).toBe(1);
    expect(await fewestOf(() => read(1000), 5)).toBeLessThanOrEqual(5);
  }, 90_000);
});
