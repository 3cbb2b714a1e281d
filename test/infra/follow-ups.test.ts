import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/ports/index.ts';
import type { FollowUpPlan } from '../../src/infra/follow-up-plan.ts';
import { createMemoryFollowUps } from '../../src/infra/memory/memory-follow-ups.ts';
import { connectRedis, waitForRedis } from '../../src/infra/redis/connect-redis.ts';
import { createRedisFollowUps } from '../../src/infra/redis/redis-follow-ups.ts';
import { startCluster, startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';

const place = (name: string): string => `{vs:sandbox}:follow-ups:${name}`;

// One suite for every implementation. Tests of several replicas come after it.

const now = (): number => Date.now();
const open: FollowUpPlan[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((plan) => plan.close()));
});

async function overRedis(
  url: string,
  onError: (error: unknown) => void = () => {},
): Promise<FollowUpPlan> {
  const client = connectRedis({ url });
  await waitForRedis(client, 45_000);
  const followUps = createRedisFollowUps({ client, mode: 'sandbox', onError });
  const plan = {
    ...followUps,
    close: async () => {
      await followUps.close();
      client.disconnect();
    },
  };
  open.push(plan);
  return plan;
}

function describeVisits(
  name: string,
  create: (onError?: (error: unknown) => void) => Promise<FollowUpPlan>,
): void {
  describe(`${name}: a follow-up`, () => {
    it('runs when it is due, and not before', async () => {
      const plan = await create();
      const seen: [string, number][] = [];
      plan.begin(async (id) => {
        seen.push([id, Date.now()]);
        return null;
      });
      const atMs = now() + 400;
      await plan.plan('ver_later', atMs);
      await plan.plan('ver_now', now());
      await until(async () => seen.length === 2);
      expect(seen.map(([id]) => id)).toEqual(['ver_now', 'ver_later']);
      // Timers and Redis use whole milliseconds.
      expect(seen[1]?.[1]).toBeGreaterThanOrEqual(atMs - 2);
    });

    it('is planned once for each id, however often it is requested', async () => {
      const plan = await create();
      const seen: string[] = [];
      plan.begin(async (id) => {
        seen.push(id);
        return null;
      });
      await Promise.all(Array.from({ length: 20 }, () => plan.plan('ver_once', now() + 200)));
      await until(async () => seen.length > 0);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(seen).toEqual(['ver_once']);
    });

    it('can be brought forward', async () => {
      const plan = await create();
      const seen: string[] = [];
      plan.begin(async (id) => {
        seen.push(id);
        return null;
      });
      await plan.plan('ver_early', now() + 600_000);
      await plan.bringForward('ver_early', now() + 100);
      await plan.bringForward('ver_unknown', now());
      await until(async () => seen.length > 0);
      expect(seen).toEqual(['ver_early']);
    });

    it('is repeated at the requested time until it is done', async () => {
      const plan = await create();
      const seen: number[] = [];
      plan.begin(async () => {
        seen.push(Date.now());
        return seen.length < 3 ? now() + 150 : null;
      });
      await plan.plan('ver_again', now());
      await until(async () => seen.length === 3);
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(seen).toHaveLength(3);
      // It can be planned again afterwards.
      await plan.plan('ver_again', now());
      await until(async () => seen.length === 4);
    });

    it('is repeated after a while when it failed, and reports the error', async () => {
      const errors: unknown[] = [];
      const plan = await create((error) => errors.push(error));
      const seen: number[] = [];
      plan.begin(async () => {
        seen.push(Date.now());
        if (seen.length === 1) throw new Error('broken');
        return null;
      });
      await plan.plan('ver_fails', now());
      await until(async () => seen.length === 2);
      expect(errors).toMatchObject([{ message: 'broken' }]);
      const [first = 0, again = 0] = seen;
      expect(again - first).toBeGreaterThan(1000);
    });
  });
}

describeVisits('timers', async (onError = () => {}) => {
  const plan = createMemoryFollowUps({ now, onError });
  open.push(plan);
  return plan;
});

describe('follow-ups in Redis', () => {
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await startRedis();
  });
  beforeEach(async () => {
    await redis.command('FLUSHALL');
  });
  afterAll(async () => {
    await redis?.stop();
  });

  describeVisits('Redis', (onError) => overRedis(redis.url, onError));

  it('are not performed over and over by a replica whose clock is behind', async () => {
    const plan = await overRedis(redis.url);
    const dueMs = now() + 200;
    const visits = { behind: 0, other: 0 };
    plan.begin(async (id) => {
      visits[id === 'ver_other' ? 'other' : 'behind'] += 1;
      return id === 'ver_other' || now() - 2500 >= dueMs ? null : dueMs;
    });
    await plan.plan('ver_behind', dueMs);
    await until(async () => visits.behind === 1);
    await plan.plan('ver_other', now());
    await until(async () => visits.other === 1);
    await until(async () => now() - 2500 >= dueMs + 600);
    // Twice a second, and once more at both ends.
    expect(visits.behind).toBeLessThanOrEqual((now() - dueMs) / 500 + 2);
  });

  it('report a next time that is none, and are repeated later', async () => {
    const errors: unknown[] = [];
    const plan = await overRedis(redis.url, (error) => errors.push(error));
    plan.begin(async () => Number.NaN);
    await plan.plan('ver_nan', now());
    await until(async () => errors.length === 1);
    await until(async () => (await redis.command('ZSCORE', place('planned'), 'ver_nan')) !== null);
    expect(errors).toMatchObject([{ name: 'TypeError' }]);
  });

  it('report once that Redis refuses to give out what is due', async () => {
    const errors: unknown[] = [];
    await redis.command('SET', place('running'), 'no sorted set');
    const plan = await overRedis(redis.url, (error) => errors.push(error));
    plan.begin(async () => null);
    await until(async () => errors.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(errors).toHaveLength(1);
  });

  it('run once, on one of several replicas, whoever planned them', async () => {
    const planner = await overRedis(redis.url);
    const replicas = await Promise.all([1, 2, 3].map(() => overRedis(redis.url)));
    const seen: string[] = [];
    for (const replica of replicas) {
      replica.begin(async (id) => {
        seen.push(id);
        return null;
      });
    }
    const ids = Array.from({ length: 60 }, (_, at) => `ver_${at}`);
    await Promise.all(ids.map((id) => planner.plan(id, now() + 100)));
    await until(async () => seen.length >= ids.length);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(seen.toSorted()).toEqual(ids.toSorted());
  });

  it('are not started again on another replica while they run for longer than their lease', async () => {
    const replicas = await Promise.all([1, 2].map(() => overRedis(redis.url)));
    const seen: string[] = [];
    for (const replica of replicas) {
      replica.begin(async (id) => {
        seen.push(id);
        // The lease would be over twice.
        await new Promise((resolve) => setTimeout(resolve, 21_000));
        return null;
      });
    }
    await replicas[0]?.plan('ver_slow', now());
    await until(async () => seen.length > 0);
    const running = () => redis.command('ZSCORE', place('running'), 'ver_slow');
    await until(async () => (await running()) === null, 40_000);
    expect(seen).toEqual(['ver_slow']);
    expect(await redis.command('ZSCORE', place('planned'), 'ver_slow')).toBeNull();
  });

  it('are taken over when their replica dies', async () => {
    const dying = connectRedis({ url: redis.url });
    await waitForRedis(dying, 45_000);
    const dead = createRedisFollowUps({ client: dying, mode: 'sandbox', onError: () => {} });
    const seen: string[] = [];
    dead.begin(async (id) => {
      seen.push(`dead ${id}`);
      return new Promise<never>(() => {});
    });
    await dead.plan('ver_orphan', now());
    await until(async () => seen.length > 0);
    // It renews its lease no more.
    dying.disconnect();
    const heir = await overRedis(redis.url);
    heir.begin(async (id) => {
      seen.push(`heir ${id}`);
      return null;
    });
    await until(async () => seen.length > 1, 30_000);
    expect(seen).toEqual(['dead ver_orphan', 'heir ver_orphan']);
    await until(async () => (await redis.command('EXISTS', place('running'))) === 0);
  });

  it('contain only the id, and are deleted when they are done', async () => {
    const plan = await overRedis(redis.url);
    await plan.plan('ver_planned', now() + 60_000);
    expect(await redis.command('ZRANGE', place('planned'), '0', '-1')).toEqual(['ver_planned']);
    let seen = 0;
    plan.begin(async () => {
      seen += 1;
      return null;
    });
    await plan.plan('ver_over', now());
    await until(async () => seen === 1);
    await until(async () => (await redis.command('EXISTS', place('running'))) === 0);
    expect(await redis.command('KEYS', '*')).toEqual([place('planned')]);
    expect(await redis.command('ZRANGE', place('planned'), '0', '-1')).toEqual(['ver_planned']);
  });
});

describe('when Redis stops', () => {
  it('planning a follow-up fails soon, and planned ones run afterwards', async () => {
    const redis = await startRedis();
    const plan = await overRedis(redis.url);
    const seen: string[] = [];
    plan.begin(async (id) => {
      seen.push(id);
      return null;
    });
    // At different times in the life of the worker, also at its start.
    for (const afterMs of [0, 3, 30, 300]) {
      const id = `ver_${afterMs}`;
      await plan.plan(id, now() + 500);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await redis.command('CLIENT', 'KILL', 'TYPE', 'normal');
      redis.child.kill('SIGSTOP');
      await expect(plan.plan('ver_lost', now())).rejects.toThrow(StoreUnavailable);
      redis.child.kill('SIGCONT');
      await until(async () => seen.includes(id), 30_000);
      await until(
        async () =>
          plan.plan(id, now()).then(
            () => true,
            () => false,
          ),
        30_000,
      );
    }
    // And again after all its data is lost.
    await redis.command('FLUSHALL');
    await redis.command('SCRIPT', 'FLUSH');
    await plan.plan('ver_anew', now());
    await until(async () => seen.includes('ver_anew'), 30_000);
    await redis.stop();
  });
});

describe('on a Redis Cluster', () => {
  it('follow-ups run, because all their keys are in one slot', async () => {
    const cluster = await startCluster();
    try {
      const [one, two] = [await overRedis(cluster.url), await overRedis(cluster.url)];
      const seen: string[] = [];
      for (const plan of [one, two]) {
        plan.begin(async (id) => {
          seen.push(id);
          return null;
        });
      }
      const ids = Array.from({ length: 20 }, (_, at) => `ver_${at}`);
      await Promise.all(ids.map((id) => one.plan(id, now() + 100)));
      await until(async () => seen.length >= ids.length, 30_000);
      expect(seen.toSorted()).toEqual(ids.toSorted());
    } finally {
      await Promise.all(open.splice(0).map((plan) => plan.close()));
      await cluster.stop();
    }
  });
});
