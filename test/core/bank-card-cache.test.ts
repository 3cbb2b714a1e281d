import { describe, expect, it } from 'vitest';
import type { BankCardResult } from '../../src/contract/index.ts';
import { StoreUnavailable, type Store } from '../../src/ports/index.ts';
import {
  checkBankCard,
  type CheckBankCardInput,
} from '../../src/core/bank-cards/check-bank-card.ts';
import { createMemoryStore } from '../../src/infra/memory/memory-store.ts';
import { someKey } from '../support/redis.ts';
import { callerOf, createTestCore, failing, matched } from '../support/test-core.ts';

const input: CheckBankCardInput = {
  idempotencyKey: 'first',
  subject: { name: '韦小宝', idNumber: '11204416541220243X' },
  cardNumber: '6225768888888888',
  phone: '16137688175',
};

let keys = 0;
function check(
  { deps }: ReturnType<typeof createTestCore>,
  changes: Partial<CheckBankCardInput> = {},
  caller = callerOf(),
) {
  keys += 1;
  const given = { ...input, idempotencyKey: `key-${keys}`, ...changes };
  return checkBankCard(deps, caller, given, deps.now() + 9000);
}

function answering(result: BankCardResult = matched) {
  const core = createTestCore();
  core.provider.reply(() => result);
  return core;
}

async function checked(...given: Parameters<typeof check>) {
  const outcome = await check(...given);
  if (outcome.kind !== 'success') throw new Error(outcome.problem.code);
  return outcome;
}

const paid = (core: ReturnType<typeof createTestCore>) => core.provider.ledger.length;

describe.concurrent('the result of a bank card check', () => {
  it('is a cache hit under a new key: a free check of its own that names the first', async () => {
    const core = answering();
    const first = await checked(core);
    core.clock.ms += 60_000;
    const second = await checked(core, { maxAgeSeconds: 60 });
    expect(first).toMatchObject({ cached: false, check: { result: { billing: 'CHARGED' } } });
    expect(second).toMatchObject({
      cached: true,
      replayed: false,
      check: {
        sourceCheckId: first.check.id,
        checkedAtMs: first.check.checkedAtMs,
        result: { ...matched, billing: 'NOT_CHARGED' },
      },
    });
    expect(second.check.id).not.toBe(first.check.id);
    expect(paid(core)).toBe(1);
    const third = await checked(core);
    expect(third.check.sourceCheckId).toBe(first.check.id);
  });

  it('leaves the card free when the store fails right after the single-flight lock was taken', async () => {
    let isAway = true;
    const locked: string[] = [];
    const core = createTestCore({
      store: (store) => ({
        ...store,
        cache: {
          ...store.cache,
          get: async (key) => {
            // The second look-up, under the lock.
            if (isAway && locked.length > 0) throw new StoreUnavailable();
            return store.cache.get(key);
          },
        },
        locks: {
          ...store.locks,
          take: async (...given) => {
            locked.push(given[0]);
            return store.locks.take(...given);
          },
        },
      }),
    });
    core.provider.reply(() => matched);
    expect(await check(core)).toMatchObject({ problem: { code: 'STORE_UNAVAILABLE' } });
    isAway = false;
    expect(await check(core)).toMatchObject({ kind: 'success' });
  });

  it('is a cache hit that never counts as sent', async () => {
    const started: string[] = [];
    const core = createTestCore({
      store: (store) => ({
        ...store,
        claims: {
          ...store.claims,
          start: (ticket, times) => {
            started.push(ticket.key);
            return store.claims.start(ticket, times);
          },
        },
      }),
    });
    core.provider.reply(() => matched);
    await checked(core);
    expect(await checked(core)).toMatchObject({ cached: true });
    expect(started).toHaveLength(1);
  });

  it('is a cache hit up to maxAgeSeconds and no longer', async () => {
    const core = answering();
    await checked(core);
    core.clock.ms += 10_000;
    expect(await checked(core, { maxAgeSeconds: 10 })).toMatchObject({ cached: true });
    expect(await checked(core, { maxAgeSeconds: 9 })).toMatchObject({ cached: false });
    expect(await checked(core, { maxAgeSeconds: 0 })).toMatchObject({ cached: false });
    expect(paid(core)).toBe(3);
  });

  it.each<[string, Partial<CheckBankCardInput>]>([
    ['another card', { cardNumber: '6226090210146748' }],
    ['another phone', { phone: '13800138000' }],
    ['another name', { subject: { ...input.subject, name: '陈近南' } }],
    ['another number', { subject: { ...input.subject, idNumber: '440305199505132561' } }],
    ['another document', { certType: 1 }],
  ])('is no cache hit for %s', async (_name, changes) => {
    const core = answering();
    await checked(core);
    expect(await checked(core, changes)).toMatchObject({ cached: false });
    expect(paid(core)).toBe(2);
  });

  it.each([
    ['user', callerOf('user-2')],
    ['tenant', callerOf('user-1', 'tenant-2')],
  ])('is no cache hit for another %s', async (_name, other) => {
    const core = answering();
    await checked(core);
    expect(await checked(core, {}, other)).toMatchObject({ cached: false });
    expect(paid(core)).toBe(2);
  });

  it('stays in the cache for BANK_CARD_CACHE_SECONDS', async () => {
    const core = createTestCore({ rules: { bankCardCacheSeconds: 100 } });
    core.provider.reply(() => matched);
    await checked(core);
    core.clock.ms += 99_000;
    expect(await checked(core)).toMatchObject({ cached: true });
    core.clock.ms += 1001;
    expect(await checked(core)).toMatchObject({ cached: false });
  });

  it('stays in the cache until midnight in Shanghai when it is DAILY_LIMIT', async () => {
    const core = answering({
      ...matched,
      outcome: 'NOT_PERFORMED',
      reason: 'DAILY_LIMIT',
      billing: 'NOT_CHARGED',
    });
    core.clock.ms = Date.UTC(2026, 10, 22, 12);
    await checked(core);
    core.clock.ms = Date.UTC(2026, 10, 22, 15, 59, 59);
    expect(await checked(core)).toMatchObject({ cached: true });
    core.clock.ms = Date.UTC(2026, 10, 22, 16, 0, 1);
    expect(await checked(core)).toMatchObject({ cached: false });
  });

  it('is replaced by a newer one that a caller asked for with maxAgeSeconds 0', async () => {
    const core = createTestCore();
    core.provider.reply(
      () => ({ ...matched, outcome: 'MISMATCHED', reason: 'NOT_MATCHED' }),
      () => matched,
    );
    await checked(core);
    const fresh = await checked(core, { maxAgeSeconds: 0 });
    expect(await checked(core)).toMatchObject({
      cached: true,
      check: { sourceCheckId: fresh.check.id, result: { outcome: 'MATCHED' } },
    });
  });

  it('is not cached when it is UNDETERMINED', async () => {
    const core = answering({ ...matched, outcome: 'UNDETERMINED', billing: 'UNKNOWN' });
    await checked(core);
    expect(await checked(core)).toMatchObject({ cached: false });
  });
});

describe('concurrent equal checks', () => {
  it('make one call over four replicas', async () => {
    const now = (): number => Date.now();
    const store = createMemoryStore({ now });
    const cores = Array.from({ length: 4 }, () =>
      createTestCore({ store: () => store, deps: { now } }),
    );
    for (const core of cores) {
      core.provider.reply(async () => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        return matched;
      });
    }
    const all = await Promise.all(
      Array.from({ length: 1000 }, (_, at) => {
        const core = cores[at % 4];
        if (!core) throw new Error('no core');
        return checked(core);
      }),
    );
    expect(cores.flatMap(({ provider }) => provider.ledger)).toHaveLength(1);
    expect(all.filter(({ cached }) => !cached)).toHaveLength(1);
    expect(new Set(all.map(({ check: { id } }) => id)).size).toBe(1000);
  });

  it('make one call when another replica completes a check between cache look-up and lock', async () => {
    const now = (): number => Date.now();
    const store = createMemoryStore({ now });
    const first = createTestCore({ store: () => store, deps: { now } });
    first.provider.reply(() => matched);
    let isFirstLook = true;
    const second = createTestCore({
      deps: { now },
      store: () => ({
        ...store,
        cache: {
          ...store.cache,
          get: async (key) => {
            const found = await store.cache.get(key);
            if (isFirstLook) {
              isFirstLook = false;
              await checked(first);
            }
            return found;
          },
        },
      }),
    });
    second.provider.reply(() => matched);
    expect(await checked(second)).toMatchObject({ cached: true });
    expect(paid(first) + paid(second)).toBe(1);
  });

  it('call the provider one after the other when the first is refused', async () => {
    const core = createTestCore();
    core.provider.reply(failing('throttled'), () => matched);
    const [one, other] = await Promise.all([check(core), check(core)]);
    expect([one.kind, other.kind].toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'problem',
      'success',
    ]);
    expect(paid(core)).toBe(2);
  });

  it('get IN_PROGRESS when the first ends unknown, and their keys are free', async () => {
    const now = (): number => Date.now();
    const store = createMemoryStore({ now });
    const core = createTestCore({ store: () => store, deps: { now } });
    core.provider.reply(failing('timeout'), () => matched);
    const leader = check(core, { idempotencyKey: 'leader' });
    const joiner = check(core, { idempotencyKey: 'joiner' });
    expect(await leader).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN', retry: 'NEW_KEY' } });
    expect(await joiner).toMatchObject({ problem: { code: 'IN_PROGRESS', retry: 'SAME_KEY' } });
    expect(paid(core)).toBe(1);
    // After the deadline of the first call, the same key makes a call.
    expect(await check(core, { idempotencyKey: 'joiner' })).toMatchObject({ kind: 'success' });
    expect(paid(core)).toBe(2);
    expect(await check(core, { idempotencyKey: 'leader' })).toMatchObject({
      problem: { code: 'OUTCOME_UNKNOWN' },
    });
  }, 30_000);

  it('do not share a result when maxAgeSeconds is 0', async () => {
    const core = answering();
    await Promise.all([checked(core, { maxAgeSeconds: 0 }), checked(core, { maxAgeSeconds: 0 })]);
    expect(paid(core)).toBe(2);
  });

  it('send nothing when the single-flight lock is lost or the store fails', async () => {
    const withLocks = (locks: Partial<Store['locks']>) =>
      createTestCore({
        store: (store) => ({ ...store, locks: { ...store.locks, ...locks } }),
      });
    const lost = withLocks({ renew: async () => false });
    expect(await check(lost)).toMatchObject({ problem: { code: 'PROVIDER_UNAVAILABLE' } });
    expect(paid(lost)).toBe(0);
    const failed = withLocks({ take: () => Promise.reject(new StoreUnavailable()) });
    expect(await check(failed)).toMatchObject({ problem: { code: 'STORE_UNAVAILABLE' } });
    expect(paid(failed)).toBe(0);
  });

  it('make one call during every step of a hash key rotation', async () => {
    const [old, young] = [someKey('k1'), someKey('k2')];
    const now = (): number => Date.now();
    const store = createMemoryStore({ now });
    const lists = [[young, old], [young]] as const;
    const cores = lists.map((hashKeys) =>
      createTestCore({ store: () => store, deps: { now, hashKeys } }),
    );
    for (const core of cores) {
      core.provider.reply(async () => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        return matched;
      });
    }
    await Promise.all(cores.flatMap((core) => [checked(core), checked(core)]));
    expect(cores.flatMap(({ provider }) => provider.ledger)).toHaveLength(1);
  });

  it('make one call when the result cannot be written to the cache', async () => {
    const core = createTestCore({
      store: (store) => ({
        ...store,
        cache: { ...store.cache, set: () => Promise.reject(new StoreUnavailable()) },
      }),
    });
    core.provider.reply(async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      return matched;
    });
    const all = await Promise.all(Array.from({ length: 20 }, () => check(core)));
    expect(paid(core)).toBe(1);
    expect(all.every(({ kind }) => kind === 'success')).toBe(true);
  });

  it('get their result when it cannot be written to the cache', async () => {
    const core = createTestCore({
      store: (store) => ({
        ...store,
        cache: { ...store.cache, set: () => Promise.reject(new StoreUnavailable()) },
      }),
    });
    core.provider.reply(() => matched);
    expect(await check(core)).toMatchObject({ kind: 'success', stored: true });
  });
});
