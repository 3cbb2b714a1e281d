import { describe, expect, it } from 'vitest';
import { builtInProviders } from '../../providers/index.ts';
import { loadConfig } from '../../src/boot/config.ts';
import {
  ProviderFault,
  type ActionEffect,
  type AnyProvider,
  type FaultKind,
} from '../../src/contract/index.ts';
import { LimiterRefusal, StoreUnavailable } from '../../src/ports/index.ts';
import { BootError } from '../../src/core/boot-error.ts';
import {
  startVerification,
  type StartVerificationInput,
} from '../../src/core/verifications/start-verification.ts';
import { createBottleneckLimiter } from '../../src/infra/bottleneck-limiter.ts';
import { createMemoryPacer } from '../../src/infra/memory/memory-pacer.ts';
import { probeWith } from '../support/probe-with.ts';
import { probe, callerOf, createTestCore, failing, type TestCore } from '../support/test-core.ts';

/** Another provider of the same channel. Its notifyUrl shows which provider was called. */
function like(id: string, changes: { effect?: ActionEffect; checks?: readonly string[] } = {}) {
  const { effect = 'free_start', checks = ['LIVENESS'] } = changes;
  const channel = probe.channels['FACE_WEB'];
  return probeWith({
    id,
    actions: { Start: { effect } },
    channels: {
      FACE_WEB: {
        checks,
        optionsField: `${id}Options`,
        prepare: (...given: Parameters<NonNullable<typeof channel>['prepare']>) => ({
          ...channel?.prepare(...given),
          checks,
        }),
      },
    },
  });
}

const routing = new Map([['FACE_WEB', ['first', 'second']]]);

function routed(
  definitions: readonly AnyProvider[] = [like('first'), like('second')],
  changes: Parameters<typeof createTestCore>[0] = {},
): TestCore {
  return createTestCore({ definitions, routing, ...changes });
}

function start({ deps }: TestCore, changes: Partial<StartVerificationInput> = {}) {
  const input = { idempotencyKey: 'k', channel: 'FACE_WEB', ...changes };
  return startVerification(deps, callerOf(), input, deps.now() + 9000);
}

/** The called providers, in order. */
function calledBy({ provider }: TestCore): (string | undefined)[] {
  return provider.ledger.map(({ body }) => {
    const { notifyUrl } = body as { readonly notifyUrl: string };
    return /callbacks\/([^/]+)\//u.exec(notifyUrl)?.[1];
  });
}

describe('routing', () => {
  it('serves by the first provider of the list', async () => {
    const core = routed();
    expect(await start(core)).toMatchObject({ verification: { providerId: 'first' } });
    expect(calledBy(core)).toEqual(['first']);
  });

  it.each<FaultKind>(['not_sent', 'throttled', 'busy', 'quota_exhausted', 'timeout', 'internal'])(
    'falls back after a free start that failed with %s, and names the provider that served',
    async (kind) => {
      const core = routed([like('first'), like('second', { effect: 'may_charge' })]);
      core.provider.reply(failing(kind), () => ({}));
      const served = await start(core);
      expect(served).toMatchObject({
        kind: 'success',
        replayed: false,
        verification: { providerId: 'second' },
      });
      expect(calledBy(core)).toEqual(['first', 'second']);
      // The same key returns the same verification, without a call.
      expect(await start(core)).toMatchObject({
        replayed: true,
        verification: { id: served.kind === 'success' && served.verification.id },
      });
      expect(core.provider.ledger).toHaveLength(2);
    },
  );

  it.each<FaultKind>(['internal', 'timeout', 'connection_lost', 'protocol'])(
    'does not fall back after a chargeable start that failed with %s',
    async (kind) => {
      const core = routed([like('first', { effect: 'may_charge' }), like('second')]);
      core.provider.reply(failing(kind), () => ({}));
      for (let time = 0; time < 2; time++) {
        expect(await start(core)).toMatchObject({
          problem: { code: 'OUTCOME_UNKNOWN', retry: 'NEW_KEY', billing: 'UNKNOWN' },
        });
      }
      expect(calledBy(core)).toEqual(['first']);
    },
  );

  it.each<FaultKind>(['throttled', 'busy', 'quota_exhausted', 'not_sent'])(
    'falls back after a chargeable start that was refused with %s',
    async (kind) => {
      const core = routed([like('first', { effect: 'may_charge' }), like('second')]);
      core.provider.reply(failing(kind), () => ({}));
      expect(await start(core)).toMatchObject({ verification: { providerId: 'second' } });
    },
  );

  it.each<FaultKind>(['rejected', 'credentials', 'misconfigured'])(
    'does not fall back after %s, which does not mean that the provider is down',
    async (kind) => {
      const core = routed();
      core.provider.reply(failing(kind), () => ({}));
      expect(await start(core)).toMatchObject({ kind: 'problem', problem: { provider: 'first' } });
      expect(calledBy(core)).toEqual(['first']);
    },
  );

  it('keeps the key when the response of a chargeable fallback was lost', async () => {
    const core = routed([like('first'), like('second', { effect: 'may_charge' })]);
    core.provider.reply(failing('busy'), failing('timeout'), () => ({}));
    for (let time = 0; time < 2; time++) {
      expect(await start(core)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    }
    expect(calledBy(core)).toEqual(['first', 'second']);
  });

  it('frees the key when all providers are down, and names the last one', async () => {
    const core = routed();
    core.provider.reply(failing('not_sent'), failing('busy'), () => ({}));
    expect(await start(core)).toMatchObject({
      problem: { code: 'PROVIDER_UNAVAILABLE', retry: 'SAME_KEY', provider: 'second' },
    });
    expect(await start(core)).toMatchObject({ verification: { providerId: 'first' } });
  });

  it('falls back when the rate limit of the first provider has no slot in time', async () => {
    const core = routed(undefined, {
      limiter: {
        backOff: async () => {},
        turn: async ({ key, withinMs }, steps) => {
          if (!key.startsWith('first:')) {
            await steps?.prepare?.();
            return { isInTime: () => true, giveBack: () => {} };
          }
          // Time is reserved for the fallback.
          expect(withinMs).toBeLessThanOrEqual(1000);
          throw new LimiterRefusal('no_slot_in_time', 1000);
        },
      },
    });
    expect(await start(core)).toMatchObject({ verification: { providerId: 'second' } });
    expect(calledBy(core)).toEqual(['second']);
  });

  it('falls back from a provider that hangs while there is time for the next', async () => {
    const now = (): number => Date.now();
    const pacer = createMemoryPacer({ now, guardMs: 20 });
    const core = routed(undefined, {
      limiter: createBottleneckLimiter({ pacer, now, guardMs: 20 }),
      deps: { now },
    });
    const limits: number[] = [];
    const { sendUpstream } = core.deps;
    const deps = {
      ...core.deps,
      // As the real client does: silence ends in a timeout.
      sendUpstream: async (...given: Parameters<typeof sendUpstream>) => {
        limits.push(given[1].timeoutMs);
        if (limits.length === 1) {
          await new Promise((resolve) => setTimeout(resolve, given[1].timeoutMs));
          throw new ProviderFault('timeout');
        }
        return sendUpstream(...given);
      },
    };
    const input = { idempotencyKey: 'k', channel: 'FACE_WEB' };
    expect(await startVerification(deps, callerOf(), input, now() + 9000)).toMatchObject({
      verification: { providerId: 'second' },
    });
    expect(limits[0]).toBeLessThanOrEqual(3000);
    expect(limits[1]).toBeGreaterThan(3000);
  }, 15_000);

  it('returns the problem of the first provider when no time is left for a fallback', async () => {
    const core = routed();
    core.provider.reply(
      () => {
        core.clock.ms += 5500;
        return failing('timeout')();
      },
      () => ({}),
    );
    expect(await start(core)).toMatchObject({
      problem: { code: 'PROVIDER_UNAVAILABLE', provider: 'first' },
    });
    expect(calledBy(core)).toEqual(['first']);
  });

  it('names the provider that was paid when the record of a fallback could not be stored', async () => {
    const core = routed([like('first'), like('second', { effect: 'may_charge' })], {
      store: (store) => ({
        ...store,
        records: { ...store.records, replace: () => Promise.reject(new StoreUnavailable()) },
      }),
    });
    core.provider.reply(failing('busy'), () => ({}));
    expect(await start(core)).toMatchObject({
      problem: { code: 'OUTCOME_UNKNOWN', provider: 'second' },
    });
    // The provider is no longer known, so the problem names none.
    expect(await start(core)).toMatchObject({
      problem: { code: 'OUTCOME_UNKNOWN', provider: null },
    });
  });

  it('claims the key as chargeable when any provider of the list may charge', async () => {
    const effects: string[] = [];
    const core = routed([like('first'), like('second', { effect: 'may_charge' })], {
      store: (store) => ({
        ...store,
        claims: {
          ...store.claims,
          take: (claim) => {
            effects.push(claim.effect);
            return store.claims.take(claim);
          },
        },
      }),
    });
    await start(core);
    expect(effects).toEqual(['may_charge']);
  });

  it('shows the checks of the provider that served', async () => {
    const more = like('second', { checks: ['LIVENESS', 'FACE_MATCH'] });
    const core = routed([like('first'), more]);
    core.provider.reply(failing('busy'), () => ({}));
    expect(await start(core)).toMatchObject({
      verification: { providerId: 'second', checks: ['LIVENESS', 'FACE_MATCH'] },
    });
  });

  it('ignores a broken fallback, and prepares it only when it is needed', async () => {
    let looked = 0;
    const { id, actions, channels } = like('second');
    const definition = probeWith({
      id,
      actions,
      channels: {
        FACE_WEB: {
          ...channels['FACE_WEB'],
          prepare: () => {
            looked += 1;
            throw new Error('a bug');
          },
        },
      },
    });
    const core = routed([like('first'), definition]);
    expect(await start(core)).toMatchObject({ verification: { providerId: 'first' } });
    expect(looked).toBe(0);
    core.provider.reply(failing('busy'));
    expect(await start(core, { idempotencyKey: 'other' })).toMatchObject({
      problem: { code: 'PROVIDER_UNAVAILABLE', provider: 'first' },
    });
    expect(looked).toBe(1);
  });

  it('does not apply when a provider or its options are given', async () => {
    for (const named of [{ provider: 'first' }, { options: { firstOptions: {} } }]) {
      const core = routed();
      core.provider.reply(failing('busy'));
      expect(await start(core, named)).toMatchObject({
        problem: { code: 'PROVIDER_UNAVAILABLE', provider: 'first' },
      });
      expect(calledBy(core)).toEqual(['first']);
    }
  });

  it('does not fall back to a provider that attests fewer checks for this input', async () => {
    const core = routed([like('first', { checks: ['LIVENESS', 'FACE_MATCH'] }), like('second')]);
    core.provider.reply(failing('busy'));
    expect(await start(core)).toMatchObject({ problem: { provider: 'first' } });
  });

  it('skips a provider that is not enabled', async () => {
    const core = routed(undefined, { off: ['first'] });
    expect(await start(core)).toMatchObject({ verification: { providerId: 'second' } });
    expect(await start(routed(undefined, { off: ['first', 'second'] }))).toMatchObject({
      problem: { code: 'PROVIDER_NOT_ENABLED', provider: 'first' },
    });
  });

  it('is required where several providers offer a channel: the problem names them', async () => {
    const core = routed(undefined, { routing: new Map() });
    expect(await start(core)).toMatchObject({
      problem: {
        code: 'INVALID_INPUT',
        fields: [{ path: 'provider', message: 'must be one of first, second' }],
      },
    });
  });
});

describe('ROUTING', () => {
  function linesOf(text: string, definitions = builtInProviders): readonly string[] {
    try {
      loadConfig({ ROUTING: text }, definitions);
    } catch (error) {
      if (error instanceof BootError) return error.lines;
      throw error;
    }
    return [];
  }

  it('is read for each channel', () => {
    const { routing: read } = loadConfig(
      { ROUTING: ' FACE_WEB = oemcloud ; E_ID=tencent-cn;' },
      builtInProviders,
    );
    expect([...read]).toEqual([
      ['FACE_WEB', ['oemcloud']],
      ['E_ID', ['tencent-cn']],
    ]);
  });

  it.each([
    ['oemcloud', 'must be CHANNEL=provider'],
    ['FACE_WEB=oemcloud;FACE_WEB=tencent-intl', 'must be CHANNEL=provider'],
    ['CANARY=oemcloud', 'names a channel that no provider offers; there are E_ID'],
    ['FACE_WEB=', 'must name providers that offer it: tencent-cn, tencent-intl, oemcloud'],
    ['FACE_WEB=canary', 'must name providers that offer it: tencent-cn, tencent-intl, oemcloud'],
    ['FACE_ALIPAY=tencent-cn', 'must name providers that offer it: oemcloud'],
    ['FACE_WEB=oemcloud,oemcloud', 'names a provider twice'],
    ['FACE_WEB=oemcloud,tencent-intl', 'its jurisdiction is INTL, not CN'],
    ['FACE_WEB=oemcloud,tencent-intl', 'it does not attest IDENTITY_RECORD'],
    ['FACE_WEB=tencent-intl,oemcloud', 'its jurisdiction is CN, not INTL'],
  ])('%s stops the boot with a reason that does not repeat the value', (text, why) => {
    const lines = linesOf(text).join('\n');
    expect(lines).toContain(why);
    expect(lines.toLowerCase()).not.toContain('canary');
  });

  it('accepts a fallback that attests more checks', () => {
    const more = like('second', { checks: ['LIVENESS', 'FACE_MATCH'] });
    expect(linesOf('FACE_WEB=first,second', [like('first'), more])).toEqual([]);
    expect(linesOf('FACE_WEB=second,first', [like('first'), more]).join()).toContain('FACE_MATCH');
  });
});
