import { describe, expect, it } from 'vitest';
import {
  bankCardElements,
  ProviderFault,
  type AnyProvider,
  type ProviderCall,
  type UpstreamResponse,
} from '../../src/contract/index.ts';
import { checkBankCard } from '../../src/core/bank-cards/check-bank-card.ts';
import { performOperation } from '../../src/core/upstream/perform-operation.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { probeWith } from '../support/probe-with.ts';
import { probeRequest } from '../support/probe-request.ts';
import {
  callerOf,
  createTestCore,
  failing,
  matched,
  type Reply,
  type TestCore,
} from '../support/test-core.ts';
import { until } from '../support/until.ts';

// The outcome depends on the calls that were sent, not on what the plugin returns after them.

type Call = ProviderCall<unknown>;

function send(
  call: Call,
  action: string,
  read: (answer: UpstreamResponse) => unknown = () => matched,
) {
  return call.send({
    action,
    build: () => probeRequest(action),
    read,
  });
}

function checking(
  work: (call: Call) => Promise<unknown>,
  changes: Parameters<typeof probeWith>[0] = {},
): AnyProvider {
  const variant = { action: 'Check', elements: bankCardElements, prepare: () => ({ check: work }) };
  return probeWith({ ...changes, bankCard: { variants: [variant] } });
}

function check({ deps }: TestCore, idempotencyKey = 'k', maxAgeSeconds: number | null = 0) {
  const input = {
    ...{ idempotencyKey, maxAgeSeconds },
    subject: { name: '韦小宝', idNumber: '11204416541220243X' },
    ...{ cardNumber: '6225768888888888', phone: '16137688175' },
  };
  return checkBankCard(deps, callerOf(), input, deps.now() + 9000);
}

function paidFor({ provider }: TestCore): number {
  return provider.ledger.filter(({ action }) => action === 'Check').length;
}

describe('a bank card check, after its paid call', () => {
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['text', 'MATCHED'],
    ['a code that is no string', { ...matched, outcome: 'NEW', code: { toString: null } }],
  ])('stays OUTCOME_UNKNOWN or UNDETERMINED when the plugin returns %s', async (_name, result) => {
    for (const maxAgeSeconds of [0, null]) {
      const work = async (call: Call): Promise<unknown> => {
        await send(call, 'Check');
        return result;
      };
      const core = createTestCore({ definitions: [checking(work)] });
      for (let time = 0; time < 3; time++) {
        const outcome = await check(core, 'k', maxAgeSeconds);
        if (outcome.kind === 'success') expect(outcome.check.result?.outcome).toBe('UNDETERMINED');
        else expect(outcome.problem.code).toBe('OUTCOME_UNKNOWN');
      }
      expect(paidFor(core)).toBe(1);
    }
  });

  it('times out when the plugin never returns', async () => {
    const work = async (call: Call): Promise<unknown> => {
      await send(call, 'Check');
      return new Promise(() => {});
    };
    const core = createTestCore({ definitions: [checking(work)] });
    const [provider] = core.deps.registry.all;
    if (!provider) throw new Error('no provider');
    const operation = performOperation(
      core.deps,
      provider,
      { priority: 'start', deadlineMs: core.deps.now() + 200, beforeSend: [] },
      { name: 'never', effect: 'may_charge', work },
    );
    await expect(operation).rejects.toMatchObject({ kind: 'timeout' });
    expect(paidFor(core)).toBe(1);
  });

  it('has proven that nothing was sent when its time ends while a connection is opened', async () => {
    const core = createTestCore({
      limiter: {
        turn: async (_ask, steps) => {
          await steps?.connect?.();
          await steps?.prepare?.();
          return { isInTime: () => true, giveBack: () => {} };
        },
        backOff: async () => {},
      },
      deps: { connectUpstream: () => new Promise(() => {}) },
    });
    const [provider] = core.deps.registry.all;
    if (!provider) throw new Error('no provider');
    const terms = { priority: 'start', deadlineMs: core.deps.now() + 100, beforeSend: [] } as const;
    const ended = performOperation(core.deps, provider, terms, {
      ...{ name: 'probe check', effect: 'may_charge' },
      work: (call) => send(call, 'Check'),
    });
    await expect(ended).rejects.toMatchObject({ kind: 'not_sent' });
  });

  it('stays in flight when the same key comes with other input', async () => {
    let answer = (_value: object): void => {};
    const core = createTestCore();
    core.provider.reply(
      () =>
        new Promise<object>((resolve) => {
          answer = resolve;
        }),
    );
    const paying = check(core);
    await until(async () => paidFor(core) === 1);
    // The shutdown waits for what is in flight.
    expect(core.deps.inFlight.size).toBe(1);
    const { deps } = core;
    const input = {
      ...{ idempotencyKey: 'k', maxAgeSeconds: 0 },
      subject: { name: '韦小宝', idNumber: '11204416541220243X' },
      ...{ cardNumber: '6225768888888888', phone: '13800138000' },
    };
    const other = await checkBankCard(deps, callerOf(), input, deps.now() + 9000);
    expect(other).toMatchObject({ problem: { code: 'IDEMPOTENCY_MISMATCH' } });
    expect(core.deps.inFlight.size).toBe(1);
    answer(matched);
    expect(await paying).toMatchObject({ kind: 'success' });
    expect(core.deps.inFlight.size).toBe(0);
  });

  it.each<[string, (call: Call) => Promise<unknown>, Reply[]]>([
    [
      'lost, then queried, and unknown to the provider',
      (call) => send(call, 'Check').catch(() => send(call, 'Result')),
      [failing('timeout'), failing('session_unknown'), () => ({})],
    ],
    [
      'lost, and reported as busy by the plugin',
      async (call) => {
        await send(call, 'Check').catch(() => send(call, 'Result'));
        throw new ProviderFault('busy');
      },
      [failing('timeout'), () => ({})],
    ],
    [
      'answered, and reported as refused by the plugin',
      async (call) => {
        await send(call, 'Check');
        throw new ProviderFault('rejected');
      },
      [() => ({})],
    ],
    [
      'answered, and followed by a failed read',
      async (call) => {
        await send(call, 'Check');
        return send(call, 'Result').catch(() => {
          throw new ProviderFault('busy');
        });
      },
      [() => ({}), failing('busy')],
    ],
  ])('stays OUTCOME_UNKNOWN when the call was %s', async (_name, work, replies) => {
    const core = createTestCore({ definitions: [checking(work)] });
    core.provider.reply(...replies);
    for (let time = 0; time < 2; time++) {
      expect(await check(core)).toMatchObject({
        problem: { code: 'OUTCOME_UNKNOWN', billing: 'UNKNOWN', retry: 'NEW_KEY' },
      });
    }
    expect(paidFor(core)).toBe(1);
  });

  it('stays OUTCOME_UNKNOWN when a token that another operation fetches fails', async () => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    let operations = 0;
    const token = (call: Call, before: Promise<void>) =>
      call.accessToken('api', async () => {
        await before;
        await send(call, 'Result');
        return { token: 't', expiresInSeconds: 600 };
      });
    const work = async (call: Call) => {
      operations += 1;
      if (operations === 1) {
        await token(call, gate);
        return matched;
      }
      const paid = await send(call, 'Check');
      await token(call, Promise.resolve());
      return paid;
    };
    const core = createTestCore({ definitions: [checking(work)] });
    core.provider.reply(() => ({}), failing('not_sent'));
    const other = check(core, 'other');
    await until(async () => operations === 1);
    const mine = check(core, 'mine');
    await until(async () => paidFor(core) === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    open();
    await other;
    expect(await mine).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    expect(await check(core, 'mine')).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
  });

  it('keeps an equal check under another key from calling while the lost response may still come', async () => {
    const work = (call: Call) =>
      send(call, 'Check').catch(() => {
        throw new ProviderFault('not_sent');
      });
    const core = createTestCore({ definitions: [checking(work)] });
    core.provider.reply(failing('timeout'), () => ({}));
    expect(await check(core, 'one', null)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    const other = check(core, 'other', null);
    // No replica calls while the lost response may still come.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(paidFor(core)).toBe(1);
    core.clock.ms += 20_000;
    await other;
  });
});

describe('an attempt that was given up', () => {
  it('sends nothing after the fallback provider has served', async () => {
    const like = (id: string, start: (call: Call) => Promise<unknown>): AnyProvider =>
      probeWith({
        id,
        actions: { Start: { effect: 'may_charge' } },
        channels: { FACE_WEB: { prepare: () => ({ checks: ['LIVENESS'], start }) } },
      });
    const begun = { launch: null, session: {}, expiresInSeconds: 600 };
    let isLate = false;
    const first = like('first', async (call) => {
      const late = async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        isLate = true;
        await send(call, 'Start');
      };
      await Promise.all([send(call, 'Result'), late()]);
      return begun;
    });
    const second = like('second', async (call) => {
      await send(call, 'Start');
      await until(async () => isLate);
      return begun;
    });
    const core = createTestCore({
      definitions: [first, second],
      routing: new Map([['FACE_WEB', ['first', 'second']]]),
    });
    core.provider.reply(failing('busy'), () => ({}));
    const input = { idempotencyKey: 'k', channel: 'FACE_WEB' };
    const started = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
    expect(started).toMatchObject({ kind: 'success', verification: { providerId: 'second' } });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(core.provider.ledger.map(({ action }) => action)).toEqual(['Result', 'Start']);
  });
});

describe('a call', () => {
  it('is not retried after a code that the plugin itself maps to unknown', async () => {
    const actions = { Check: { retryableCodes: ['Busy'] } };
    const work = (call: Call) =>
      send(call, 'Check', () => {
        throw new ProviderFault('internal', { providerCode: 'Busy' });
      });
    const core = createTestCore({ definitions: [checking(work, { actions })] });
    expect(await check(core)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    expect(paidFor(core)).toBe(1);
  });

  it('that only reads is retried after a paid call', async () => {
    const work = async (call: Call) => {
      await send(call, 'Check');
      return send(call, 'Result');
    };
    const core = createTestCore({ definitions: [checking(work)] });
    core.provider.reply(
      () => ({}),
      failing('busy'),
      failing('connection_lost'),
      () => ({}),
    );
    expect(await check(core)).toMatchObject({ kind: 'success' });
    expect(paidFor(core)).toBe(1);
  });

  it('is rejected for an action named like an Object.prototype member', async () => {
    const core = createTestCore({ definitions: [checking((call) => send(call, 'toString'))] });
    await expect(check(core)).rejects.toThrow('has no action toString');
    expect(core.provider.ledger).toEqual([]);
  });
});
