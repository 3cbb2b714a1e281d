import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { startReplicaGroup, type ReplicaGroup } from '../support/replica-group.ts';

// Far more requests at once than can be served. bench:bursts prints the figures.

let group: ReplicaGroup;
const oneOf = (at: number) => group.oneOf(at);

beforeAll(async () => {
  group = await startReplicaGroup(3, {
    env: {
      TENCENT_CN_LIMIT_BANKCARD4EVERIFICATION: '2000',
      // Makes the first burst create the velocity counters.
      VELOCITY_USER: '100000/60',
      VELOCITY_CARD: '100000/60',
      TENANT_DAILY_CHARGEABLE: '100000',
    },
  });
}, 90_000);
afterAll(() => group?.stop());

describe('a burst', () => {
  it('of different checks on a fresh replica is served as far as possible, and the rest may be retried', async () => {
    group.provider.onCall((_name, answer) => void setTimeout(answer, 1000));
    const all = await Promise.all(
      Array.from({ length: 800 }, (_, at) => oneOf(1).check(`burst-${at}`, `burst-${at}`)),
    );
    group.provider.onCall(null);
    const codes = new Set(all.map((one) => one?.code ?? one?.check?.outcome ?? 'nothing'));
    // Redis works all the time, so no other code may occur.
    expect([...codes].filter((code) => !expected.includes(code))).toEqual([]);
    expect(all.filter((one) => one?.check).length).toBeGreaterThan(20);
    for (const [at, one] of all.entries()) {
      const paid = group.provider.paidFor(`burst-${at}`);
      expect(paid).toBeLessThanOrEqual(1);
      if (one.billing === 'NOT_CHARGED') expect(paid).toBe(0);
      if (one.check) expect(paid).toBe(1);
      if (one.retry === 'SAME_KEY') expect(one.retryAfterMs).toBeGreaterThan(0);
    }
  }, 60_000);

  it.each([
    ['under one key', () => 'equal'],
    ['under one key each', (at: number) => `equal-${at}`],
  ])(
    'of equal checks %s makes one call, and all get the result',
    async (name, keyOf) => {
      group.provider.onCall((_name, answer) => void setTimeout(answer, 200));
      const all = await Promise.all(
        // Like a client, it retries with the same key on a busy machine.
        Array.from({ length: 300 }, (_, at) =>
          until(async () => {
            const one = await oneOf(at).check(name, keyOf(at));
            return one?.check ? one : null;
          }, 60_000),
        ),
      );
      group.provider.onCall(null);
      expect(group.provider.paidFor(name)).toBe(1);
      expect(all.map((one) => one?.check?.outcome ?? one)).toEqual(all.map(() => 'MATCHED'));
    },
    120_000,
  );
});

const expected = [
  ...['MATCHED', 'OVERLOADED', 'PROVIDER_UNAVAILABLE', 'RATE_LIMITED', 'IN_PROGRESS'],
  // Of a request that waited for five seconds before it was read.
  'SERVICE_UNAVAILABLE',
];
