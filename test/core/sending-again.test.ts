import { describe, expect, it } from 'vitest';
import { ProviderFault, type BankCardResult, type ProviderCall } from '../../src/contract/index.ts';
import { LimiterRefusal, MissedTurn, type Limiter } from '../../src/ports/index.ts';
import { createBottleneckLimiter } from '../../src/infra/bottleneck-limiter.ts';
import { createMemoryPacer } from '../../src/infra/memory/memory-pacer.ts';
import { checkBankCard } from '../../src/core/bank-cards/check-bank-card.ts';
import { createNonceClock } from '../../src/core/upstream/nonce-clock.ts';
import { checkDefinitions } from '../../src/boot/check-definitions.ts';
import { probeWith } from '../support/probe-with.ts';
import { probeRequest } from '../support/probe-request.ts';
import {
  allFour,
  probe,
  callerOf,
  createTestCore,
  failing,
  matched,
} from '../support/test-core.ts';

/** A provider whose chargeable action is sent once more after its code `Busy`. */
const actions = { Check: { retryableCodes: ['Busy'] } };
const nonced = probeWith({ actions });

const refused = () => ({ error: 'Busy' });

function check({ deps }: ReturnType<typeof createTestCore>, idempotencyKey = 'k') {
  const input = {
    idempotencyKey,
    subject: { name: '韦小宝', idNumber: '11204416541220243X' },
    cardNumber: '6225768888888888',
    phone: '16137688175',
    // With maxAgeSeconds 0, so that no cached result is used.
    maxAgeSeconds: 0,
  };
  return checkBankCard(deps, callerOf(), input, deps.now() + 9000);
}

describe('a call whose nonce was refused', () => {
  it('is sent once more, and paid once', async () => {
    const core = createTestCore({ definitions: [nonced] });
    core.provider.reply(refused, () => matched);
    expect(await check(core)).toMatchObject({ kind: 'success', check: { result: matched } });
    expect(core.provider.ledger).toHaveLength(2);
    expect(await check(core)).toMatchObject({ replayed: true });
    expect(core.provider.ledger).toHaveLength(2);
  });

  it('fails after the second refusal, and its key is free', async () => {
    const core = createTestCore({ definitions: [nonced] });
    core.provider.reply(refused, refused, () => matched);
    expect(await check(core)).toMatchObject({
      problem: { code: 'PROVIDER_UNAVAILABLE', billing: 'NOT_CHARGED', retry: 'SAME_KEY' },
    });
    expect(core.provider.ledger).toHaveLength(2);
    expect(await check(core)).toMatchObject({ kind: 'success', replayed: false });
  });

  it('is OUTCOME_UNKNOWN when the response to the second try was lost, and is never sent a third time', async () => {
    const core = createTestCore({ definitions: [nonced] });
    core.provider.reply(refused, failing('timeout'), () => matched);
    for (let time = 0; time < 2; time++) {
      expect(await check(core)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    }
    expect(core.provider.ledger).toHaveLength(2);
  });

  it('is not sent again by a process that was paused past its deadline', async () => {
    const core = createTestCore({ definitions: [nonced] });
    core.provider.reply(
      () => {
        core.clock.ms += 8001;
        return refused();
      },
      () => matched,
    );
    await check(core);
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('is not sent again when the store does not confirm it', async () => {
    const core = createTestCore({
      definitions: [nonced],
      store: (store) => ({
        ...store,
        claims: { ...store.claims, startAgain: async () => false },
      }),
    });
    core.provider.reply(refused, () => matched);
    expect(await check(core)).toMatchObject({ problem: { code: 'PROVIDER_UNAVAILABLE' } });
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('logs an alarm only when the second try is refused too', async () => {
    const faulty = probeWith({ actions, faults: { ...probe.faults, Busy: 'credentials' } });
    const alarms: string[] = [];
    const log = { event: (_level: string, name: string) => void alarms.push(name) };
    const core = createTestCore({ definitions: [faulty], deps: { log } });
    core.provider.reply(refused, () => matched);
    await check(core);
    expect(alarms).not.toContain('provider_misconfigured');
    core.provider.reply(refused);
    await check(core, 'other');
    expect(alarms).toContain('provider_misconfigured');
  });

  it('stops the boot when its code does not prove that nothing was done', () => {
    const withCode = (code: string) =>
      probeWith({
        actions: { Check: { retryableCodes: [code] } },
        faults: { ...probe.faults, Inside: 'internal' },
      });
    const boot = (code: string) => () => checkDefinitions([withCode(code)]);
    expect(boot('Busy')).not.toThrow();
    for (const code of ['Inside', 'NotInTheTable']) expect(boot(code)).toThrow('proves');
  });
});

describe('a plugin with several calls around its chargeable call', () => {
  /** The probe with a check of its own, which gets a function that sends. */
  function checking(work: (send: (action: string) => Promise<BankCardResult>) => Promise<unknown>) {
    return probeWith({
      bankCard: allFour({
        action: 'Check',
        prepare: () => ({
          check: async (call: ProviderCall<unknown>) => {
            const result = await work((action) =>
              call.send({
                action,
                build: () => probeRequest(action),
                read: () => matched,
              }),
            );
            // Some of them return several.
            return result as BankCardResult;
          },
        }),
      }),
    });
  }

  it.each<[string, Parameters<typeof checking>[0]]>([
    ['it twice in parallel', (send) => Promise.all([send('Check'), send('Check')])],
    ['it twice', async (send) => [await send('Check'), await send('Check')]],
    ['another start after it', async (send) => [await send('Check'), await send('Start')]],
  ])('pays once and never frees the key when it calls %s', async (_name, work) => {
    const core = createTestCore({ definitions: [checking(work)] });
    for (let time = 0; time < 3; time++) {
      expect(await check(core)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    }
    const paid = core.provider.ledger.filter(({ action }) => action === 'Check');
    expect(paid.length).toBeLessThanOrEqual(1);
  });

  it.each<[string, Parameters<typeof checking>[0]]>([
    [
      'after it',
      async (send) => {
        await send('Check');
        return send('Result');
      },
    ],
    ['beside it', (send) => Promise.all([send('Result'), send('Check')])],
  ])('may read %s, and a paid call never counts as not done', async (_name, work) => {
    const fine = createTestCore({ definitions: [checking(work)] });
    await check(fine);
    expect(fine.provider.ledger).toHaveLength(2);

    const definitions = [checking(work)];
    const unread = createTestCore({ definitions, limiter: refusing('Result') });
    for (let time = 0; time < 3; time++) {
      expect(await check(unread)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    }
    const paid = unread.provider.ledger.filter(({ action }) => action === 'Check');
    expect(paid.length).toBeLessThanOrEqual(1);
  });

  it('may make free calls before it, whose failure leaves the key free', async () => {
    const core = createTestCore({
      definitions: [
        checking(async (send) => {
          await send('Start');
          await send('Result');
          return send('Check');
        }),
      ],
    });
    core.provider.reply(failing('timeout'), () => ({}));
    expect(await check(core)).toMatchObject({
      problem: { code: 'PROVIDER_UNAVAILABLE', billing: 'NOT_CHARGED', retry: 'SAME_KEY' },
    });
    expect(await check(core)).toMatchObject({ kind: 'success' });
    expect(core.provider.ledger.map(({ action }) => action)).toEqual([
      'Start',
      'Start',
      'Result',
      'Check',
    ]);
  });

  it('cannot turn a lost response into “busy”', async () => {
    const swallowing = checking(async (send) => {
      await send('Check').catch(() => {});
      throw new ProviderFault('busy');
    });
    const core = createTestCore({ definitions: [swallowing] });
    core.provider.reply(failing('timeout'));
    for (let time = 0; time < 2; time++) {
      expect(await check(core)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    }
    expect(core.provider.ledger).toHaveLength(1);
  });

  function refusing(action: string): Limiter {
    return {
      backOff: async () => {},
      turn: async ({ key }, steps) => {
        if (key.includes(action)) throw new LimiterRefusal('no_slot_in_time', 1000);
        await steps?.prepare?.();
        return { isInTime: () => true, giveBack: () => {} };
      },
    };
  }
});

describe('the nonce clock', () => {
  it('never returns the same time twice, and follows a clock that was set back', () => {
    let ms = 1_000_000;
    const nonce = createNonceClock(() => ms);
    expect([nonce(), nonce(), nonce()]).toEqual([1_000_000, 1_000_001, 1_000_002]);
    ms -= 500;
    expect(nonce()).toBe(1_000_003);
    ms -= 100_000;
    expect(nonce()).toBe(ms);
  });
});

describe('a request that is slow to build', () => {
  it('is built before its reserved slot, and sent in it', async () => {
    const now = (): number => performance.timeOrigin + performance.now();
    const bankCard = allFour({
      action: 'Check',
      prepare: () => ({
        check: (call: ProviderCall<unknown>) =>
          call.send({
            action: 'Check',
            build: () => {
              // As signing an image of 8 MB on a busy machine, which takes longer than a slot lasts.
              for (const endMs = now() + 50; now() < endMs;);
              return {
                method: 'POST',
                url: 'https://provider.example/',
                headers: {},
                body: JSON.stringify({ action: 'Check' }),
              };
            },
            read: () => matched,
          }),
      }),
    });
    const limiter = createBottleneckLimiter({
      pacer: createMemoryPacer({ now, guardMs: 20 }),
      ...{ now, guardMs: 20 },
    });
    const definition = probeWith({ bankCard });
    const core = createTestCore({ limiter, definitions: [definition] });
    const { sendUpstream } = core.deps;
    const deps: typeof core.deps = {
      ...core.deps,
      sendUpstream: async (request, limits) => {
        if (limits.isInTime?.() === false) throw new MissedTurn();
        return sendUpstream(request, limits);
      },
    };
    const input = {
      idempotencyKey: 'k',
      subject: { name: '韦小宝', idNumber: '11204416541220243X' },
      ...{ cardNumber: '6225768888888888', phone: '16137688175' },
    };
    expect(await checkBankCard(deps, callerOf(), input, deps.now() + 9000)).toMatchObject({
      kind: 'success',
    });
    expect(core.provider.ledger).toHaveLength(1);
  });
});
