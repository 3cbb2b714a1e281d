import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMutation } from '../support/operations.ts';
import { startRedisProxy } from '../support/redis-proxy.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

// Counts the Redis round trips of a request on the wire between them.

let redis: RedisServer;
let wire: Awaited<ReturnType<typeof startWire>>;
let app: TestApp;

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
});
afterAll(async () => {
  await app?.stop();
  await wire?.stop();
  await redis?.stop();
});

/** Counts how often the direction changes: a command, then its reply. */
async function startWire(port: number) {
  let trips = 0;
  const proxy = await startRedisProxy(port, (client, upstream) => {
    let isAsking = false;
    let isRecord = false;
    client.on('data', (chunk) => {
      // Counts only reads of records, not those of queues or health.
      if (chunk.includes('vs:sandbox:record:')) isRecord = true;
      isAsking = true;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (isAsking && isRecord) trips += 1;
      isAsking = false;
      isRecord = false;
      client.write(chunk);
    });
  });
  return { ...proxy, trips: () => trips };
}

const query = `query ($r: [_Any!]!) { _entities(representations: $r) {
  ... on Verification { id status user { id } provider { id } }
  ... on BankCardCheck { id }
} }`;

describe('_entities', () => {
  it('needs as many Redis round trips for a thousand references as for one', async () => {
    const { data } = await app.send(startMutation, {
      input: { idempotencyKey: 'k', channel: 'E_ID' },
    });
    const { id } = data.startVerification.verification;
    const mine = { __typename: 'Verification', id };
    const tripsOf = async (r: readonly object[]) => {
      const before = wire.trips();
      const { data: found } = await app.send(query, { r });
      expect(found._entities).toHaveLength(r.length);
      expect(found._entities[0]).toMatchObject({ id });
      return wire.trips() - before;
    };
    const one = await tripsOf([mine]);
    const many = Array.from({ length: 999 }, (_, at) => {
      const made = randomBytes(16).toString('base64url');
      return at % 2
        ? { __typename: 'Verification', id: `ver_${made}` }
        : { __typename: 'BankCardCheck', id: `bcc_${made}` };
    });
    const thousand = await tripsOf([mine, ...many]);
    expect(one).toBeGreaterThan(0);
    // Large commands and replies travel in chunks that overlap, which still count less than one trip each.
    expect(thousand).toBeLessThan(one * 40);
  });
});
