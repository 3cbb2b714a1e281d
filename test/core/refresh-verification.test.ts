import { describe, expect, it } from 'vitest';
import type { OutcomeAnswer } from '../../src/contract/index.ts';
import { LimiterRefusal, StoreUnavailable } from '../../src/ports/index.ts';
import type { CoreDeps } from '../../src/core/core-deps.ts';
import { decodeRecord } from '../../src/core/records/records.ts';
import { learnOutcome } from '../../src/core/verifications/learn-outcome.ts';
import { readVerifications } from '../../src/core/verifications/read-verifications.ts';
import { refreshVerification } from '../../src/core/verifications/refresh-verification.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import {
  callerOf,
  createTestCore,
  failing,
  passedAnswer,
  type TestCore,
} from '../support/test-core.ts';
import { until } from '../support/until.ts';

// Several replicas on one store and one provider. Each has its own in-process state.

const pending: OutcomeAnswer = { kind: 'pending', chargedAttempts: 0 };
const second = 1000;

/** From now on the clock of the core runs as fast as the real one. */
function letTimePass({ clock }: TestCore): void {
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    clock.ms += nowMs - lastMs;
    lastMs = nowMs;
  }, 5);
  timer.unref();
}

function replicasOf({ deps }: TestCore, count: number): readonly CoreDeps[] {
  return Array.from({ length: count }, () => ({
    ...deps,
    inFlight: new Map(),
    sharing: new Map(),
    asking: new Map(),
  }));
}

async function begin() {
  const core = createTestCore();
  const input = { idempotencyKey: 'k', channel: 'FACE_WEB' };
  const outcome = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
  if (outcome.kind !== 'success') throw new Error(outcome.problem.code);
  core.clock.ms += 2 * second;
  return { core, id: outcome.verification.id, replicas: replicasOf(core, 3) };
}

const asked = ({ provider }: TestCore) =>
  provider.ledger.filter(({ action }) => action === 'Result').length;

async function read(deps: CoreDeps, id: string) {
  const [record] = await readVerifications(deps, callerOf(), [id], deps.now() + 9000);
  if (!record || record instanceof Error) throw new Error('not readable');
  return record;
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 20));

describe.concurrent('a pending verification on several replicas', () => {
  it('is queried by one replica, and all get its outcome', async () => {
    const { core, id, replicas } = await begin();
    core.provider.reply(async () => {
      await tick();
      return passedAnswer;
    });
    const all = await Promise.all(
      Array.from({ length: 60 }, (_, at) => read(replicas[at % 3] ?? core.deps, id)),
    );
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set(['PASSED']));
    expect(asked(core)).toBe(1);
  });

  it('is not queried by another replica within the same second', async () => {
    const { core, id, replicas } = await begin();
    core.provider.reply(() => pending);
    for (const deps of replicas) await read(deps, id);
    expect(asked(core)).toBe(1);
    core.clock.ms += 1.1 * second;
    for (const deps of replicas) await read(deps, id);
    expect(asked(core)).toBe(2);
  });

  it('keeps its last status on all replicas after one query that failed', async () => {
    const { core, id, replicas } = await begin();
    core.provider.reply(() => pending);
    const { lastCheckedAtMs } = await read(core.deps, id);
    core.clock.ms += 2 * second;
    core.provider.reply(async () => {
      await tick();
      return failing('timeout')();
    });
    const all = await Promise.all(replicas.map((deps) => read(deps, id)));
    for (const record of all) expect(record).toMatchObject({ status: 'PENDING', lastCheckedAtMs });
    // No reader waits until the next query is allowed.
    const again = await Promise.all(replicas.map((deps) => read(deps, id)));
    for (const record of again) expect(record.lastAskedAtMs).toBe(core.clock.ms);
    expect(asked(core)).toBe(2);
  });

  it('is queried at most twice for a hundred people who have just come back', async () => {
    const { core, id, replicas } = await begin();
    letTimePass(core);
    core.provider.reply(async () => {
      await tick();
      return pending;
    });
    const [stored] = await core.deps.store.records.get([id]);
    if (!stored) throw new Error('gone');
    await Promise.all(
      Array.from({ length: 100 }, () =>
        refreshVerification(core.deps, stored, core.deps.now() + 9000, 'came_back'),
      ),
    );
    expect(asked(core)).toBeGreaterThanOrEqual(1);
    expect(asked(core)).toBeLessThanOrEqual(2);
    // Each replica joins its own queries. Together they send one per second.
    const beforeMs = core.clock.ms;
    const before = asked(core);
    await Promise.all(
      replicas.map((deps) => refreshVerification(deps, stored, deps.now() + 9000, 'came_back')),
    );
    const seconds = (core.clock.ms - beforeMs) / second;
    expect(asked(core) - before).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
  });

  it('is queried again for a person who has just come back, also right after another query', async () => {
    const { core, id } = await begin();
    letTimePass(core);
    core.provider.reply(
      () => pending,
      () => passedAnswer,
    );
    expect(await read(core.deps, id)).toMatchObject({ status: 'PENDING' });
    const [stored] = await core.deps.store.records.get([id]);
    if (!stored) throw new Error('gone');
    const back = await refreshVerification(core.deps, stored, core.deps.now() + 9000, 'came_back');
    expect(back).toMatchObject({ status: 'PASSED' });
  });

  it('stores that the person has come back, also if no query can be sent', async () => {
    const { core, id } = await begin();
    const { store } = core.deps;
    // Another replica holds the lock for good.
    const deps = {
      ...core.deps,
      store: { ...store, locks: { ...store.locks, take: async () => false } },
    };
    const [stored] = await store.records.get([id]);
    if (!stored) throw new Error('gone');
    const waiting = refreshVerification(deps, stored, deps.now() + 9000, 'came_back');
    const readNow = async () => {
      const [now] = await store.records.get([id]);
      return now && decodeRecord('verification', now);
    };
    await until(async () => (await readNow())?.hasReturned);
    core.clock.ms += 10 * second;
    expect(await waiting).toMatchObject({ status: 'PENDING', hasReturned: true });

    // A query that began before, and does not know it, leaves it as it is.
    const terms = { nowMs: deps.now(), askedMs: deps.now(), graceSeconds: 0 } as const;
    const told = {
      ...{
        answer: { kind: 'pending' } as const,
        terms: { ...terms, evidence: 'QUERIED' as const },
      },
      ...{ askedAtMs: deps.now(), calls: [], hasReturned: false },
    };
    await learnOutcome(deps, stored, told);
    expect(await readNow()).toMatchObject({ hasReturned: true, lastAskedAtMs: deps.now() });
  });

  it('is queried at most once a second on the wire, however long the rate limit delays a call', async () => {
    const sentMs: number[] = [];
    const waits = [900, 0];
    const core = createTestCore({
      limiter: {
        turn: async (_ask, steps) => {
          await new Promise((resolve) => setTimeout(resolve, waits.shift() ?? 0));
          await steps?.prepare?.();
          return { isInTime: () => true, giveBack: () => {} };
        },
        backOff: async () => {},
      },
    });
    const input = { idempotencyKey: 'k', channel: 'FACE_WEB' };
    waits.unshift(0);
    const outcome = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
    if (outcome.kind !== 'success') throw new Error(outcome.problem.code);
    core.clock.ms += 2 * second;
    letTimePass(core);
    core.provider.reply(() => {
      sentMs.push(core.clock.ms);
      return pending;
    });
    const { id } = outcome.verification;
    while (sentMs.length < 2) await read(core.deps, id).then(tick);
    const [first = 0, next = 0] = sentMs;
    expect(next - first).toBeGreaterThanOrEqual(second - 5);
  });

  it('is queried at once for a reader while a follow-up waits for its rate limit', async () => {
    const { core, id, replicas } = await begin();
    const [one] = replicas;
    if (!one) throw new Error('no replica');
    const [stored] = await core.deps.store.records.get([id]);
    if (!stored) throw new Error('gone');
    letTimePass(core);
    core.provider.reply(() => passedAnswer);
    const limiter = {
      ...core.deps.limiter,
      // With the lowest priority it never gets a slot.
      turn: async (...[ask, steps]: Parameters<CoreDeps['limiter']['turn']>) => {
        if (ask.priority !== 'reconcile') return core.deps.limiter.turn(ask, steps);
        await new Promise((resolve) => setTimeout(resolve, ask.withinMs));
        throw new LimiterRefusal('no_slot_in_time', 1000);
      },
    };
    const deps = { ...one, limiter };
    const visit = refreshVerification(deps, stored, deps.now() + 10_000, 'reconcile');
    await tick();
    expect(await read(deps, id)).toMatchObject({ status: 'PASSED' });
    await visit;
  });

  it('is queried after the reply to taking its lock was lost', async () => {
    const { core, id } = await begin();
    core.provider.reply(() => passedAnswer);
    let isLost = true;
    const locks = {
      ...core.deps.store.locks,
      take: async (...given: Parameters<typeof core.deps.store.locks.take>) => {
        const taken = await core.deps.store.locks.take(...given);
        if (!isLost) return taken;
        isLost = false;
        throw new StoreUnavailable();
      },
    };
    const deps = { ...core.deps, store: { ...core.deps.store, locks } };
    await expect(read(deps, id)).rejects.toThrow('not readable');
    expect(await read(deps, id)).toMatchObject({ status: 'PASSED' });
  });

  it('is queried again soon when its lock could not be extended', async () => {
    const { core, id } = await begin();
    core.provider.reply(
      () => pending,
      () => passedAnswer,
    );
    const locks = {
      ...core.deps.store.locks,
      renew: () => Promise.reject(new StoreUnavailable()),
    };
    const deps = { ...core.deps, store: { ...core.deps.store, locks } };
    await read(deps, id);
    core.clock.ms += 1.1 * second;
    expect(await read(deps, id)).toMatchObject({ status: 'PASSED' });
  });

  it('is queried by another replica within seconds when the querying one dies', async () => {
    const { core, id, replicas } = await begin();
    const [dead, other] = replicas;
    if (!dead || !other) throw new Error('no replicas');
    core.provider.reply(
      () => new Promise<object>(() => {}),
      () => passedAnswer,
    );
    // A dead process renews nothing.
    const locks = { ...dead.store.locks, renew: async () => false };
    let asks = 0;
    const limiter: CoreDeps['limiter'] = {
      ...dead.limiter,
      turn: async () => {
        asks += 1;
        return new Promise<never>(() => {});
      },
    };
    void read({ ...dead, limiter, store: { ...dead.store, locks } }, id).catch(() => {});
    await tick();
    expect(asks).toBe(1);
    core.clock.ms += 3.1 * second;
    core.provider.reply(() => passedAnswer);
    expect(await read(other, id)).toMatchObject({ status: 'PASSED' });
  });

  it('is queried by one replica only when the query outlasts its lease', async () => {
    const { core, id, replicas } = await begin();
    const [slow, other] = replicas;
    if (!slow || !other) throw new Error('no replicas');
    letTimePass(core);
    core.provider.reply(async () => {
      await new Promise((resolve) => setTimeout(resolve, 5 * second));
      return passedAnswer;
    });
    const reading = read(slow, id);
    // Past the end of the first lease.
    await new Promise((resolve) => setTimeout(resolve, 3.5 * second));
    await Promise.all([read(other, id), reading]);
    expect(asked(core)).toBe(1);
    expect(await read(other, id)).toMatchObject({ status: 'PASSED' });
  }, 20_000);

  it('is queried when the clock of another replica was ahead', async () => {
    const { core, id, replicas } = await begin();
    const [ahead, right] = replicas;
    if (!ahead || !right) throw new Error('no replicas');
    core.provider.reply(
      () => pending,
      () => passedAnswer,
    );
    await read({ ...ahead, now: () => core.clock.ms + 30 * second }, id).catch(() => {});
    core.clock.ms += 1.1 * second;
    expect(await read(right, id)).toMatchObject({ status: 'PASSED' });
  });

  it('shows its last known status soon when the query of another replica hangs', async () => {
    const { core, id, replicas } = await begin();
    const [one, other] = replicas;
    if (!one || !other) throw new Error('no replicas');
    letTimePass(core);
    core.provider.reply(() => new Promise<object>(() => {}));
    const asking = read(one, id);
    await tick();
    const startedMs = core.clock.ms;
    expect(await read(other, id)).toMatchObject({ status: 'PENDING' });
    expect(core.clock.ms - startedMs).toBeLessThan(6 * second);
    void asking;
  });

  it('is queried by another replica when the querying one has died', async () => {
    const { core, id, replicas } = await begin();
    letTimePass(core);
    // The response never comes, and no process waits for it.
    core.provider.reply(
      () => new Promise<object>(() => {}),
      () => passedAnswer,
    );
    const [dead, alive] = replicas;
    if (!dead || !alive) throw new Error('no replicas');
    void read({ ...dead, store: { ...dead.store } }, id).catch(() => {});
    await tick();
    core.clock.ms += 16 * second;
    expect(await read(alive, id)).toMatchObject({ status: 'PASSED' });
  });
});
