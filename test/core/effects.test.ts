import { describe, expect, it } from 'vitest';
import { ProviderErrorResponse, type ProviderCall } from '../../src/contract/index.ts';
import { checkBankCard } from '../../src/core/bank-cards/check-bank-card.ts';
import { readVerifications } from '../../src/core/verifications/read-verifications.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { probeWith } from '../support/probe-with.ts';
import { probeRequest } from '../support/probe-request.ts';
import { allFour, callerOf, createTestCore, matched, probe } from '../support/test-core.ts';

const holder = { subject: { name: '韦小宝', idNumber: '11204416541220243X' } };

function send(call: ProviderCall<unknown>, action: string, answer: unknown = {}) {
  return call.send({
    action,
    build: () => probeRequest(action),
    read: ({ body }) => {
      const given = JSON.parse(body.toString('utf8'));
      if (given.error) throw given.error;
      return answer;
    },
  });
}

function start({ deps }: ReturnType<typeof createTestCore>, idempotencyKey = 'k') {
  const input = { idempotencyKey, channel: 'FACE_WEB' };
  return startVerification(deps, callerOf(), input, deps.now() + 9000);
}

describe('an action that may charge', () => {
  it('is rejected in a start that is declared as free', async () => {
    const definition = probeWith({
      channels: {
        FACE_WEB: {
          prepare: () => ({
            checks: ['LIVENESS'],
            start: async (call: ProviderCall<unknown>) => send(call, 'Check'),
          }),
        },
      },
    });
    const core = createTestCore({ definitions: [definition] });
    await expect(start(core)).rejects.toThrow('declared as free');
    expect(core.provider.ledger).toEqual([]);
  });

  it('is rejected while asking for an outcome', async () => {
    const definition = probeWith({
      channels: {
        FACE_WEB: { fetchOutcome: (call: ProviderCall<unknown>) => send(call, 'Check') },
      },
    });
    const core = createTestCore({ definitions: [definition] });
    const started = await start(core);
    if (started.kind !== 'success') throw new Error(started.problem.code);
    for (let time = 0; time < 3; time++) {
      core.clock.ms += 2000;
      const ids = [started.verification.id];
      const [seen] = await readVerifications(core.deps, callerOf(), ids, core.deps.now() + 9000);
      expect(seen).toMatchObject({ status: 'PENDING' });
    }
    expect(core.provider.ledger.map(({ action }) => action)).toEqual(['Start']);
  });
});

describe('an access token that the provider refuses', () => {
  it('is fetched again for the next operation', async () => {
    let fetched = 0;
    const definition = probeWith({
      faults: { ...probe.faults, Token: 'credentials' },
      bankCard: allFour({
        action: 'Check',
        prepare: () => ({
          check: async (call: ProviderCall<unknown>) => {
            const token = await call.accessToken('api', async () => {
              fetched += 1;
              await send(call, 'Result');
              return { token: `t-${fetched}`, expiresInSeconds: 600 };
            });
            return call.send({
              action: 'Check',
              build: () => probeRequest('Check', { token: token.reveal() }),
              read: ({ body }) => {
                const given = JSON.parse(body.toString('utf8'));
                if (given.refused) throw new ProviderErrorResponse('Token');
                return matched;
              },
            });
          },
        }),
      }),
    });
    const core = createTestCore({ definitions: [definition] });
    const check = (idempotencyKey: string) => {
      const input = {
        idempotencyKey,
        cardNumber: '6225768888888888',
        phone: '16137688175',
        ...holder,
      };
      const given = { ...input, maxAgeSeconds: 0 };
      return checkBankCard(core.deps, callerOf(), given, core.deps.now() + 9000);
    };
    await check('one');
    await check('two');
    expect(fetched).toBe(1);
    core.provider.reply(() => ({ refused: true }));
    expect(await check('three')).toMatchObject({
      problem: { code: 'PROVIDER_MISCONFIGURED', billing: 'NOT_CHARGED', retry: 'SAME_KEY' },
    });
    core.provider.reply(() => ({}));
    expect(await check('three')).toMatchObject({ kind: 'success' });
    expect(fetched).toBe(2);
    const tokens = core.provider.ledger.flatMap(
      ({ body }) => (body as { token?: string }).token ?? [],
    );
    expect(tokens).toEqual(['t-1', 't-1', 't-1', 't-2']);
  });
});
