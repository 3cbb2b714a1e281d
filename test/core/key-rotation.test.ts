import { describe, expect, it } from 'vitest';
import { StoreUnavailable, type ClaimStore, type Store } from '../../src/ports/index.ts';
import { checkBankCard } from '../../src/core/bank-cards/check-bank-card.ts';
import { createMemoryStore } from '../../src/infra/memory/memory-store.ts';
import { someKey } from '../support/redis.ts';
import { callerOf, createTestCore, failing, matched } from '../support/test-core.ts';

const old = someKey('k1');
const young = someKey('k2');
/** The key lists of replicas during a rolling deploy, step by step. */
const before = [old] as const;
const prepared = [old, young] as const;
const promoted = [young, old] as const;
const after = [young] as const;

function replicas() {
  const clock = { ms: 1_800_000_000_000 };
  const store = createMemoryStore({ now: () => clock.ms });
  const of = (hashKeys: readonly [typeof old, ...(typeof old)[]], changed: Store = store) => {
    const core = createTestCore({
      store: () => changed,
      deps: { hashKeys, now: () => clock.ms },
    });
    core.provider.reply(() => matched);
    return core;
  };
  return { clock, store, of };
}

function check({ deps }: ReturnType<typeof createTestCore>, changes: object = {}) {
  const input = {
    idempotencyKey: 'k',
    subject: { name: '韦小宝', idNumber: '11204416541220243X' },
    cardNumber: '6225768888888888',
    phone: '16137688175',
    ...changes,
  };
  return checkBankCard(deps, callerOf(), input, deps.now() + 500);
}

describe('during a rotation of hash keys', () => {
  it.each([
    ['before', 'prepared', before, prepared],
    ['prepared', 'before', prepared, before],
    ['prepared', 'promoted', prepared, promoted],
    ['promoted', 'prepared', promoted, prepared],
    ['promoted', 'after', promoted, after],
    ['after', 'promoted', after, promoted],
  ] as const)(
    'a result that a replica at step %s paid for is replayed by one at step %s',
    async (_a, _b, one, other) => {
      const { of } = replicas();
      const [first, second] = [of(one), of(other)];
      const paid = await check(first);
      expect(paid).toMatchObject({ kind: 'success', replayed: false });
      expect(await check(second)).toMatchObject({
        kind: 'success',
        replayed: true,
        check: { id: paid.kind === 'success' && paid.check.id },
      });
      expect(second.provider.ledger).toHaveLength(0);
      // Another input under the same key is still a mismatch.
      expect(await check(second, { phone: '13800138000' })).toMatchObject({
        problem: { code: 'IDEMPOTENCY_MISMATCH' },
      });
    },
  );

  it('forty concurrent replicas with both keys pay once', async () => {
    const { of } = replicas();
    const cores = Array.from({ length: 40 }, (_, at) => of(at % 2 === 0 ? prepared : promoted));
    await Promise.all(cores.map((core) => check(core)));
    expect(cores.flatMap(({ provider }) => provider.ledger)).toHaveLength(1);
  });

  it('a lost response stays OUTCOME_UNKNOWN on every replica', async () => {
    const { of } = replicas();
    const first = of(before);
    first.provider.reply(failing('timeout'));
    await check(first);
    const second = of(promoted);
    expect(await check(second)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    expect(second.provider.ledger).toHaveLength(0);
  });

  it('a check sends nothing unless STARTED is confirmed under every key, and releases all keys', async () => {
    const { store, of } = replicas();
    let starts = 0;
    const start: ClaimStore['start'] = (...given) => {
      starts += 1;
      return starts === 2 ? Promise.resolve(false) : store.claims.start(...given);
    };
    const core = of(promoted, { ...store, claims: { ...store.claims, start } });
    expect(await check(core)).toMatchObject({
      problem: { code: 'PROVIDER_UNAVAILABLE', billing: 'NOT_CHARGED' },
    });
    expect(core.provider.ledger).toHaveLength(0);
    expect(await check(of(before))).toMatchObject({ kind: 'success', replayed: false });
  });

  it('a check releases the first key when the second is taken', async () => {
    const { store, of } = replicas();
    await check(of(after));
    const core = of(promoted);
    expect(await check(core)).toMatchObject({ replayed: true });
    // No claim is left under the old key, so an old replica can take it.
    const taken: string[] = [];
    const take: ClaimStore['take'] = async (claim) => {
      const answer = await store.claims.take(claim);
      taken.push(answer.state);
      return answer;
    };
    await check(of(before, { ...store, claims: { ...store.claims, take } }));
    expect(taken).toEqual(['won']);
  });

  it('a check sends nothing when the store fails under one key', async () => {
    const { store, of } = replicas();
    let takes = 0;
    const take: ClaimStore['take'] = (claim) => {
      takes += 1;
      return takes === 2 ? Promise.reject(new StoreUnavailable()) : store.claims.take(claim);
    };
    const core = of(promoted, { ...store, claims: { ...store.claims, take } });
    expect(await check(core)).toMatchObject({ problem: { code: 'STORE_UNAVAILABLE' } });
    expect(core.provider.ledger).toHaveLength(0);
    // The claim under the first key is released, so no replica waits for its lease.
    expect(await check(of(promoted))).toMatchObject({ kind: 'success', replayed: false });
  });
});
