import { describe, expect, it } from 'vitest';
import {
  ProviderFault,
  type AnyProvider,
  type FaultKind,
  type ProviderCall,
} from '../../src/contract/index.ts';
import { LimiterRefusal, StoreUnavailable } from '../../src/ports/index.ts';
import {
  checkBankCard,
  type CheckBankCardInput,
} from '../../src/core/bank-cards/check-bank-card.ts';
import { readBankCardChecks } from '../../src/core/bank-cards/read-bank-card-checks.ts';
import { storeFault } from '../support/store-fault.ts';
import {
  allFour,
  probe,
  callerOf,
  createTestCore,
  failing,
  matched,
  type TestCore,
} from '../support/test-core.ts';
import { until } from '../support/until.ts';

const input: CheckBankCardInput = {
  idempotencyKey: 'k',
  subject: { name: '韦小宝', idNumber: '11204416541220243X' },
  cardNumber: '6225768888888888',
  phone: '16137688175',
};

function check({ deps }: TestCore, changes: Partial<CheckBankCardInput> = {}, caller = callerOf()) {
  return checkBankCard(deps, caller, { ...input, ...changes }, deps.now() + 9000);
}

describe('a bank card check', () => {
  it('is paid once for a hundred concurrent requests with one key', async () => {
    const core = createTestCore();
    core.provider.reply(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return matched;
    });
    const all = await Promise.all(Array.from({ length: 100 }, () => check(core)));
    expect(core.provider.ledger).toHaveLength(1);
    expect(
      new Set(all.map((one) => (one.kind === 'success' ? one.check.id : 'problem'))).size,
    ).toBe(1);
    const replayed = all.filter((one) => one.kind === 'success' && one.replayed);
    expect(replayed).toHaveLength(99);
  });

  it('replays the first result, also a day later', async () => {
    const core = createTestCore();
    core.provider.reply(() => matched, failing('timeout'));
    const first = await check(core);
    core.clock.ms += 23 * 3600 * 1000;
    const again = await check(core, { phone: '+86 161-3768-8175' });
    expect(again).toMatchObject({ kind: 'success', replayed: true });
    expect(again.kind === 'success' && first.kind === 'success' && again.check).toEqual(
      first.kind === 'success' && first.check,
    );
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('refuses a used key when any field of the input differs', async () => {
    const core = createTestCore();
    core.provider.reply(() => matched);
    await check(core);
    const others: Partial<CheckBankCardInput>[] = [
      { phone: '16137688176' },
      { cardNumber: '6226090210146748' },
      { subject: { name: '刘洋', idNumber: '11204416541220243X' } },
      { maxAgeSeconds: 5 },
      { consentRef: 'other' },
    ];
    for (const changes of others) {
      expect(await check(core, changes)).toMatchObject({
        problem: { code: 'IDEMPOTENCY_MISMATCH', retry: 'NONE' },
      });
    }
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('keeps the keys of users and tenants apart', async () => {
    const core = createTestCore();
    core.provider.reply(() => matched);
    const ids = new Set<string>();
    for (const caller of [callerOf('a', 't1'), callerOf('b', 't1'), callerOf('a', 't2')]) {
      const outcome = await check(core, {}, caller);
      expect(outcome).toMatchObject({ kind: 'success', replayed: false });
      if (outcome.kind === 'success') ids.add(outcome.check.id);
    }
    expect(ids.size).toBe(3);
  });

  it.each<FaultKind>(['internal', 'timeout', 'connection_lost', 'protocol'])(
    'never pays again after %s, which may have been charged',
    async (kind) => {
      const core = createTestCore();
      core.provider.reply(failing(kind), () => matched);
      for (let time = 0; time < 3; time++) {
        expect(await check(core)).toMatchObject({
          problem: { code: 'OUTCOME_UNKNOWN', retry: 'NEW_KEY', billing: 'UNKNOWN' },
        });
      }
      expect(core.provider.ledger).toHaveLength(1);
      // A new attempt waits until the first call can no longer get a response.
      core.clock.ms += 9001;
      expect(await check(core, { idempotencyKey: 'new' })).toMatchObject({ kind: 'success' });
    },
  );

  it.each<[FaultKind, string, string]>([
    ['not_sent', 'PROVIDER_UNAVAILABLE', 'SAME_KEY'],
    ['throttled', 'RATE_LIMITED', 'SAME_KEY'],
    ['busy', 'PROVIDER_UNAVAILABLE', 'SAME_KEY'],
    ['credentials', 'PROVIDER_MISCONFIGURED', 'SAME_KEY'],
    ['misconfigured', 'PROVIDER_MISCONFIGURED', 'SAME_KEY'],
    ['quota_exhausted', 'PROVIDER_QUOTA_EXHAUSTED', 'SAME_KEY'],
    ['rejected', 'PROVIDER_REJECTED', 'NEW_KEY'],
  ])('frees the key after %s: %s, %s', async (kind, code, retry) => {
    const core = createTestCore();
    core.provider.reply(failing(kind), () => matched);
    expect(await check(core)).toMatchObject({
      problem: { code, retry, billing: 'NOT_CHARGED' },
    });
    expect(await check(core)).toMatchObject({ kind: 'success', replayed: false });
  });

  it('maps the provider’s known codes, and treats an unknown code as possibly charged', async () => {
    const core = createTestCore();
    core.provider.reply(
      () => ({ error: 'Refused.Input.Deep' }),
      () => ({ error: 'Brand.New' }),
    );
    expect(await check(core)).toMatchObject({
      problem: { code: 'PROVIDER_REJECTED', providerCode: 'Refused.Input.Deep' },
    });
    expect(await check(core)).toMatchObject({
      problem: { code: 'OUTCOME_UNKNOWN', providerCode: 'Brand.New' },
    });
  });

  it('does not return a provider’s error text in place of a code', async () => {
    const core = createTestCore();
    core.provider.reply(() => ({ error: '刘洋 440305199505132561' }));
    const outcome = await check(core);
    expect(JSON.stringify(outcome)).not.toContain('4403051995');
  });

  it('sends nothing and releases the key when the rate limit has no slot in time', async () => {
    let refuse = true;
    const core = createTestCore({
      limiter: {
        backOff: async () => {},
        turn: async () => {
          if (refuse) throw new LimiterRefusal('no_slot_in_time', 700);
          return { isInTime: () => true, giveBack: () => {} };
        },
      },
    });
    core.provider.reply(() => matched);
    expect(await check(core)).toMatchObject({
      problem: { code: 'RATE_LIMITED', retry: 'SAME_KEY', retryAfterMs: 700 },
    });
    expect(core.provider.ledger).toHaveLength(0);
    refuse = false;
    expect(await check(core)).toMatchObject({ kind: 'success', replayed: false });
  });

  it.each([
    // Another replica may be paying for this key now.
    ['take', 'UNKNOWN'],
    ['start', 'NOT_CHARGED'],
  ] as const)('sends nothing when the store fails at %s, and returns %s', async (step, billing) => {
    const core = createTestCore({
      store: (store) => ({
        ...store,
        claims: {
          ...store.claims,
          [step]: () => Promise.reject(new StoreUnavailable()),
        },
      }),
    });
    core.provider.reply(() => matched);
    expect(await check(core)).toMatchObject({
      problem: { code: 'STORE_UNAVAILABLE', retry: 'SAME_KEY', billing },
    });
    expect(core.provider.ledger).toHaveLength(0);
  });

  it('repeats a failed release of the key when nothing was sent', async () => {
    const fault = storeFault('claims', 'release', true);
    const core = createTestCore({
      store: fault.store,
    });
    core.provider.reply(failing('not_sent'), () => matched);
    expect(await check(core)).toMatchObject({ problem: { code: 'PROVIDER_UNAVAILABLE' } });
    // After the deadline the key counts as unknown.
    core.clock.ms += 9000;
    expect(await check(core)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    fault.isOn = false;
    await until(async () => (await check(core)).kind === 'success');
    expect(core.provider.ledger).toHaveLength(2);
  });

  it('repeats a failed write of the result, and never pays again', async () => {
    const fault = storeFault('claims', 'settle', true);
    const core = createTestCore({
      store: fault.store,
    });
    core.provider.reply(() => matched);
    expect(await check(core)).toMatchObject({ kind: 'success', stored: false });
    fault.isOn = false;
    await until(async () => {
      const again = await check(core);
      return again.kind === 'success' && again.replayed;
    });
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('returns billing UNKNOWN with IDEMPOTENCY_MISMATCH', async () => {
    const core = createTestCore();
    core.provider.reply(() => matched);
    await check(core);
    const other = await check(core, { phone: '13800138000' });
    expect(other).toMatchObject({ problem: { code: 'IDEMPOTENCY_MISMATCH', billing: 'UNKNOWN' } });
  });

  it('returns STORE_UNAVAILABLE when the record of an earlier call cannot be read', async () => {
    const core = createTestCore();
    core.provider.reply(() => matched);
    await check(core);
    const { store } = core.deps;
    const records = { ...store.records, get: () => Promise.reject(new StoreUnavailable()) };
    const deps = { ...core.deps, store: { ...store, records } };
    expect(await check({ ...core, deps })).toMatchObject({
      problem: { code: 'STORE_UNAVAILABLE', retry: 'SAME_KEY', billing: 'UNKNOWN' },
    });
  });

  it('fails one of many concurrent requests when one claim fails in the store', async () => {
    let fails = 1;
    const core = createTestCore({
      store: (store) => ({
        ...store,
        claims: {
          ...store.claims,
          take: async (claim) => {
            await new Promise((resolve) => setTimeout(resolve, 20));
            if (fails-- > 0) throw new StoreUnavailable();
            return store.claims.take(claim);
          },
        },
      }),
    });
    core.provider.reply(() => matched);
    const all = await Promise.all(Array.from({ length: 20 }, () => check(core)));
    expect(all.filter(({ kind }) => kind === 'problem')).toHaveLength(1);
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('sends nothing when another replica has taken over its claim', async () => {
    const core = createTestCore({
      store: (store) => ({ ...store, claims: { ...store.claims, start: async () => false } }),
    });
    expect(await check(core)).toMatchObject({ problem: { code: 'PROVIDER_UNAVAILABLE' } });
    expect(core.provider.ledger).toHaveLength(0);
  });

  it('sends nothing when confirming STARTED used up the time', async () => {
    const core = createTestCore({
      store: (store) => ({
        ...store,
        claims: {
          ...store.claims,
          start: async (ticket, times) => {
            const started = await store.claims.start(ticket, times);
            core.clock.ms += 8000;
            return started;
          },
        },
      }),
    });
    expect(await check(core)).toMatchObject({ problem: { code: 'PROVIDER_UNAVAILABLE' } });
    expect(core.provider.ledger).toHaveLength(0);
  });

  it('returns a result that cannot be stored with stored: false, and never pays again', async () => {
    const fault = storeFault('records', 'replace');
    const core = createTestCore({
      store: fault.store,
    });
    core.provider.reply(() => {
      fault.isOn = true;
      return matched;
    });
    expect(await check(core)).toMatchObject({ kind: 'success', stored: false });
    fault.isOn = false;
    core.clock.ms += 9000;
    expect(await check(core)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('continues after its caller has left, and the key returns the result afterwards', async () => {
    const core = createTestCore();
    let finish = (): void => {};
    core.provider.reply(async () => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return matched;
    });
    const { deps } = core;
    const early = await checkBankCard(deps, callerOf(), input, deps.now() + 30);
    expect(early).toMatchObject({ problem: { code: 'IN_PROGRESS', retry: 'SAME_KEY' } });
    finish();
    expect(await check(core)).toMatchObject({ kind: 'success', replayed: true });
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('is taken over by a waiting replica when the first replica gives up', async () => {
    const one = createTestCore();
    let lose = (): void => {};
    one.provider.reply(
      () =>
        new Promise((_resolve, reject) => {
          lose = () => reject(new ProviderFault('throttled'));
        }),
    );
    const other = createTestCore({ deps: { store: one.deps.store, now: one.deps.now } });
    other.provider.reply(() => matched);
    const first = check(one);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const second = check(other);
    await new Promise((resolve) => setTimeout(resolve, 150));
    lose();
    expect(await first).toMatchObject({ problem: { code: 'RATE_LIMITED' } });
    expect(await second).toMatchObject({ kind: 'success', stored: true, replayed: false });
    expect(await check(one)).toMatchObject({ kind: 'success', replayed: true });
    expect(other.provider.ledger).toHaveLength(1);
  });

  it('is OUTCOME_UNKNOWN when a plugin sends another call after its paid call', async () => {
    const twice: AnyProvider = {
      ...probe,
      bankCard: allFour({
        action: 'Check',
        prepare: () => ({
          check: async (call: ProviderCall<unknown>) => {
            const send = () =>
              call.send({
                action: 'Check',
                build: () => ({
                  method: 'POST',
                  url: 'https://x.example',
                  headers: {},
                  body: '{}',
                }),
                read: () => matched,
              });
            await send();
            return send();
          },
        }),
      }),
    };
    const core = createTestCore({ definitions: [twice] });
    for (let time = 0; time < 2; time++) {
      expect(await check(core)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    }
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('returns “unreadable” in place of a result code that may be personal data', async () => {
    const core = createTestCore();
    core.provider.reply(() => ({
      ...matched,
      outcome: 'UNDETERMINED',
      code: '刘洋 440305199505132561',
    }));
    expect(await check(core)).toMatchObject({ check: { result: { code: 'unreadable' } } });
  });

  it('stores neither card number, phone, name nor ID number', async () => {
    const bodies: string[] = [];
    const core = createTestCore({
      store: (store) => ({
        ...store,
        claims: {
          ...store.claims,
          take: (claim) => {
            bodies.push(JSON.stringify(claim));
            return store.claims.take(claim);
          },
        },
        records: {
          ...store.records,
          create: (...given) => {
            bodies.push(JSON.stringify(given));
            return store.records.create(...given);
          },
          replace: (...given) => {
            bodies.push(JSON.stringify(given));
            return store.records.replace(...given);
          },
        },
      }),
    });
    core.provider.reply(() => matched);
    await check(core);
    expect(bodies).toHaveLength(3);
    for (const value of [
      '6225768888888888',
      '16137688175',
      '韦小宝',
      '11204416541220243X',
      '"k"',
    ]) {
      expect(bodies.join('\n')).not.toContain(value);
    }
  });

  it('is visible to its user and its caller only', async () => {
    const core = createTestCore();
    core.provider.reply(() => matched);
    const backend = callerOf('backend', 'tenant-1', ['verification:any-user']);
    const outcome = await check(core, { userId: 'person' }, backend);
    if (outcome.kind !== 'success') throw new Error('no check');
    const { id } = outcome.check;
    const seenBy = async (caller = callerOf()) =>
      (await readBankCardChecks(core.deps, caller, [id]))[0] !== null;
    expect(await seenBy(callerOf('person'))).toBe(true);
    expect(await seenBy(callerOf('backend'))).toBe(true);
    expect(await seenBy(callerOf('stranger'))).toBe(false);
    expect(await seenBy(callerOf('person', 'tenant-2'))).toBe(false);
    expect(await seenBy(callerOf('x', 'tenant-2', ['verification:any-user']))).toBe(false);
  });

  it('is replayed when the reply to settling its claim was lost', async () => {
    for (const lost of [1, 2]) {
      let settled = 0;
      const core = createTestCore({
        store: (store) => ({
          ...store,
          claims: {
            ...store.claims,
            settle: async (...given) => {
              settled += 1;
              const isDone = await store.claims.settle(...given);
              if (settled <= lost) throw new StoreUnavailable();
              return isDone;
            },
          },
        }),
      });
      core.provider.reply(() => matched);
      expect(await check(core)).toMatchObject({ kind: 'success', stored: lost === 1 });
      expect(await check(core)).toMatchObject({ kind: 'success', replayed: true });
      expect(core.provider.ledger).toHaveLength(1);
    }
  });
});
