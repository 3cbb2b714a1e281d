import { describe, expect, it } from 'vitest';
import { LimiterRefusal, StoreUnavailable, type LimiterPriority } from '../../src/ports/index.ts';
import { createBottleneckLimiter } from '../../src/infra/bottleneck-limiter.ts';
import { createOperationScopes } from '../../src/infra/operation-scopes.ts';
import { createMemoryPacer } from '../../src/infra/memory/memory-pacer.ts';

const guardMs = 20;
const steadyNow = (): number => performance.timeOrigin + performance.now();

function createLimiter() {
  const now = steadyNow;
  return createBottleneckLimiter({ pacer: createMemoryPacer({ now, guardMs }), now, guardMs });
}

function most(times: readonly number[], inAny: (a: number, b: number) => boolean): number {
  return Math.max(...times.map((from) => times.filter((to) => inAny(from, to)).length));
}

describe.concurrent('the limiter', () => {
  it('sends at most L calls in any second, and all of them', async () => {
    const limiter = createLimiter();
    const perSecond = 20;
    const sent: number[] = [];
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        await limiter.turn({ key: 'a', perSecond, priority: 'start', withinMs: 10_000 });
        sent.push(Date.now());
      }),
    );
    expect(most(sent, (from, to) => to >= from && to < from + 1000)).toBeLessThanOrEqual(perSecond);
    // Counts instead of times: fifty calls need three windows.
    expect((sent.at(-1) ?? 0) - (sent[0] ?? 0)).toBeGreaterThanOrEqual(2 * 1000);
  });

  it('gives the slot of a call that fails while it is prepared to another one', async () => {
    const limiter = createLimiter();
    const ask = { key: 'a', perSecond: 1, priority: 'start', withinMs: 300 } as const;
    const prepare = () => Promise.reject(new Error('broken'));
    await expect(limiter.turn(ask, { prepare })).rejects.toThrow('broken');
    await limiter.turn(ask);
    await expect(limiter.turn(ask)).rejects.toThrow(LimiterRefusal);
  });

  it('keeps each queued call in the operation that asked for it', async () => {
    const limiter = createLimiter();
    const scopes = createOperationScopes();
    const ask = { key: 'a', perSecond: 20, priority: 'start', withinMs: 10_000 } as const;
    const seen = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        scopes.run({ requestId: null, traceId: null, tenant: `t${at}` }, async () => {
          let prepared: string | null | undefined;
          await limiter.turn(ask, {
            prepare: async () => {
              prepared = scopes.current()?.tenant;
            },
          });
          return [prepared, scopes.current()?.tenant];
        }),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 12 }, (_, at) => [`t${at}`, `t${at}`]));
  });

  it('settles each call although the store does not respond to some', async () => {
    const inner = createMemoryPacer({ now: steadyNow, guardMs });
    let asked = 0;
    const reserve: typeof inner.reserve = async (...given) => {
      asked += 1;
      if (asked % 7 !== 0) return inner.reserve(...given);
      await new Promise((resolve) => setTimeout(resolve, 50));
      throw new StoreUnavailable();
    };
    const limiter = createBottleneckLimiter({
      ...{ pacer: { ...inner, reserve }, now: steadyNow, guardMs },
    });
    const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
    const calls = Array.from({ length: 120 }, (_each, at) =>
      limiter.turn(
        { key: `key-${at % 12}`, perSecond: 100, priority: 'start', withinMs: 10_000 },
        { connect: () => pause(5), prepare: () => pause(3) },
      ),
    );
    const settled = await Promise.allSettled(calls);
    const reasons = settled.flatMap((each): unknown[] =>
      each.status === 'rejected' ? [each.reason] : [],
    );
    // A call that was left behind would end by its time limit.
    expect(reasons.every((reason) => reason instanceof StoreUnavailable)).toBe(true);
    expect(reasons.length).toBeLessThan(60);
  });

  it('supports less than one call a second', async () => {
    const limiter = createLimiter();
    const ask = { key: 'slow', perSecond: 0.5, priority: 'start', withinMs: 30_000 } as const;
    await limiter.turn(ask);
    await expect(limiter.turn({ ...ask, withinMs: 500 })).rejects.toMatchObject({
      reason: 'no_slot_in_time',
    });
  });

  it('counts each key separately', async () => {
    const limiter = createLimiter();
    const ask = { perSecond: 0.5, priority: 'start', withinMs: 30_000 } as const;
    await limiter.turn({ ...ask, key: 'a' });
    await limiter.turn({ ...ask, key: 'b' });
    await expect(limiter.turn({ ...ask, key: 'a', withinMs: 100 })).rejects.toThrow(LimiterRefusal);
  });

  it('refuses a call whose deadline is over at once', async () => {
    const limiter = createLimiter();
    const ask = { key: 'a', perSecond: 100, priority: 'start', withinMs: -1 } as const;
    await expect(limiter.turn(ask)).rejects.toMatchObject({ reason: 'no_slot_in_time' });
  });

  it('refuses a call in time when more urgent calls never leave it a slot', async () => {
    const limiter = createLimiter();
    const ask = { key: 'a', perSecond: 10 } as const;
    const load = { isOver: false };
    const urgent = async (): Promise<void> => {
      while (!load.isOver) {
        await limiter.turn({ ...ask, priority: 'result', withinMs: 5000 }).catch(() => {});
      }
    };
    const others = Promise.all(Array.from({ length: 15 }, urgent));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const startedMs = performance.now();
    let prepared = 0;
    const waiting = limiter.turn(
      { ...ask, priority: 'reconcile', withinMs: 800 },
      {
        prepare: async () => {
          prepared += 1;
        },
      },
    );
    await expect(waiting).rejects.toMatchObject({ reason: 'no_slot_in_time' });
    const waitedMs = performance.now() - startedMs;
    load.isOver = true;
    await others;
    // As a ratio: without the deadline it would wait as long as the others.
    expect(waitedMs).toBeLessThan(800 * 3);
    expect(prepared).toBe(0);
  });

  it('refuses calls that would wait for more than three seconds', async () => {
    const limiter = createLimiter();
    const results = await Promise.allSettled(
      Array.from({ length: 30 }, () =>
        limiter.turn({ key: 'a', perSecond: 5, priority: 'start', withinMs: 1500 }),
      ),
    );
    const reasons = results.map((one) =>
      one.status === 'fulfilled' ? 'sent' : (one.reason as LimiterRefusal).reason,
    );
    expect(reasons.filter((reason) => reason === 'overloaded').length).toBeGreaterThan(5);
    expect(reasons.filter((reason) => reason === 'sent').length).toBeGreaterThanOrEqual(5);
  });

  it('lets starts overtake waiting results', async () => {
    const limiter = createLimiter();
    const order: LimiterPriority[] = [];
    const turn = async (priority: LimiterPriority): Promise<void> => {
      await limiter.turn({ key: 'a', perSecond: 10, priority, withinMs: 10_000 });
      order.push(priority);
    };
    const results = Array.from({ length: 15 }, () => turn('result'));
    await Promise.all([...results, turn('start')]);
    expect(order.indexOf('start')).toBeLessThan(14);
    expect(order).toHaveLength(16);
  });

  it('gives tenants turns by weight, and one that asks for little does not wait for one that asks for much', async () => {
    const limiter = createLimiter();
    const order: string[] = [];
    const turn = async (id: string, weight: number): Promise<void> => {
      const tenant = { id, weight };
      await limiter.turn({ key: 'a', perSecond: 20, priority: 'start', withinMs: 20_000, tenant });
      order.push(id);
    };
    const large = Array.from({ length: 40 }, () => turn('large', 1));
    const double = Array.from({ length: 10 }, () => turn('double', 2));
    await Promise.all([...large, ...double, turn('small', 1)]);
    // The first calls had their slots before the others came.
    expect(order.indexOf('small')).toBeLessThan(8);
    const shared = order.slice(4, order.lastIndexOf('double') + 1);
    const count = (id: string): number => shared.filter((each) => each === id).length;
    expect(count('double')).toBeGreaterThan(1.5 * count('large'));
  });

  it('refuses the calls of the tenant that has most of them waiting', async () => {
    const limiter = createLimiter();
    const turn = (id: string) =>
      limiter.turn({
        ...{ key: 'a', perSecond: 5, priority: 'start', withinMs: 8000 },
        tenant: { id, weight: 1 },
      });
    const flood = Promise.allSettled(Array.from({ length: 60 }, () => turn('large')));
    const small = await Promise.allSettled([turn('small'), turn('small')]);
    expect(small.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    const refused = (await flood).filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(30);
  });

  it('learns how long preparing takes, and wastes no slot on it', async () => {
    const limiter = createLimiter();
    const ask = { key: 'a', perSecond: 100, priority: 'start', withinMs: 5000 } as const;
    let prepared = 0;
    const prepare = async (): Promise<void> => {
      prepared += 1;
      // Twice the guard, as with a distant store.
      await new Promise((resolve) => setTimeout(resolve, 2 * guardMs));
    };
    // A stall of the machine costs a slot as well: five calls in a row without one show what was learnt.
    for (let inARow = 0, calls = 0; inARow < 5; calls++) {
      expect(calls).toBeLessThan(300);
      const before = prepared;
      await limiter.turn(ask, { prepare });
      inARow = prepared === before + 1 ? inARow + 1 : 0;
    }
  });
});

// Not concurrent, because a stall affects every test of the process.
describe('the limiter beside a stalled event loop', () => {
  it('continues after the event loop stalled while a call was being prepared', async () => {
    const limiter = createLimiter();
    const ask = { key: 'a', perSecond: 20, priority: 'start', withinMs: 3000 } as const;
    let isStalled = true;
    const prepare = async (): Promise<void> => {
      if (isStalled) for (const end = steadyNow() + 1900; steadyNow() < end;);
      isStalled = false;
    };
    await limiter.turn(ask, { prepare }).catch(() => {});
    for (let time = 0; time < 3; time++) {
      const { isInTime } = await limiter.turn(ask, { prepare });
      expect(isInTime()).toBe(true);
    }
  });

  it('reserves another slot when it missed one, and never sends early or late', async () => {
    const now = steadyNow;
    const memory = createMemoryPacer({ now, guardMs });
    let reserved = 0;
    const pacer = {
      ...memory,
      reserve: async (...given: Parameters<typeof memory.reserve>) => {
        reserved += 1;
        const slotMs = await memory.reserve(...given);
        // The event loop stalls over the first one.
        if (reserved === 1) for (const end = now() + 3 * guardMs; now() < end;);
        return slotMs;
      },
    };
    const limiter = createBottleneckLimiter({ pacer, now, guardMs });
    await limiter.turn({ key: 'a', perSecond: 100, priority: 'start', withinMs: 5000 });
    expect(reserved).toBe(2);
  });
});
