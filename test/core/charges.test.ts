import { describe, expect, it } from 'vitest';
import { toCharges } from '../../src/commands/charges.ts';
import { ProviderFault } from '../../src/contract/index.ts';
import { checkBankCard } from '../../src/core/bank-cards/check-bank-card.ts';
import { createMetrics } from '../../src/infra/metrics.ts';
import { cardInput } from '../support/card-input.ts';
import { probeWith } from '../support/probe-with.ts';
import { callerOf, createTestCore } from '../support/test-core.ts';

const of = (kind: string, more: Readonly<Record<string, string>> = {}) => ({
  ...{ kind, recordId: 'r', at: '2026-11-29T00:00:00.000Z', providerId: 'p', action: 'a' },
  ...more,
});
const billings = (...lines: Parameters<typeof toCharges>[0]) =>
  toCharges(lines).map(({ billing, providerId }) => `${providerId} ${billing}`);

describe('what the ledger says about money', () => {
  const ended = of('ended', { billing: 'CHARGED', chargedBy: 'outcome', chargedAttempts: '1' });
  const revoked = of('revoked', { of: 'ended' });

  it('counts an entry that was revoked and written again, in every order', () => {
    expect(billings(ended, revoked, ended)).toEqual(['p CHARGED']);
    expect(billings(ended, ended, revoked)).toEqual(['p CHARGED']);
    expect(billings(ended, ended)).toEqual(['p CHARGED']);
    expect(billings(ended, revoked)).toEqual([]);
  });

  it('counts a call as unknown that begins after another one has ended', () => {
    const refused = of('charge', { billing: 'NOT_CHARGED' });
    const second = of('charge_begun', { providerId: 'q' });
    const lines = [of('charge_begun'), refused, second];
    expect(billings(...lines)).toEqual(['p NOT_CHARGED', 'q UNKNOWN']);
    expect(billings(...lines, of('charge_dropped'))).toEqual(['p NOT_CHARGED']);
  });

  it('takes the price of a call from the outcome, if only that tells it', () => {
    const call = of('charge', { billing: 'UNKNOWN' });
    const told = of('ended', { billing: 'CHARGED', chargedBy: 'call' });
    expect(billings(call)).toEqual(['p UNKNOWN']);
    expect(billings(call, told)).toEqual(['p CHARGED']);
    expect(billings(call, of('ended', { billing: 'UNKNOWN', chargedBy: 'call' }))).toEqual([
      'p UNKNOWN',
    ]);
  });

  it('counts a cancelled verification once, as what was learnt later', () => {
    const cancelled = of('cancelled', { billing: 'UNKNOWN', chargedBy: 'outcome' });
    const late = of('outcome_after_cancel', { billing: 'NOT_CHARGED', chargedBy: 'outcome' });
    expect(billings(cancelled)).toEqual(['p UNKNOWN']);
    expect(billings(cancelled, late)).toEqual(['p NOT_CHARGED']);
  });
});

describe('a chargeable call that is under way when its plugin gives up', () => {
  it('may have been charged', async () => {
    const check = async (call: {
      readonly send: (call: object) => Promise<unknown>;
    }): Promise<never> => {
      const sending = call.send({
        action: 'Check',
        build: () => ({ method: 'POST', url: 'https://p.example', headers: {}, body: '{}' }),
        read: () => ({}),
      });
      sending.catch(() => {});
      await new Promise((resolve) => setImmediate(resolve));
      throw new ProviderFault('timeout');
    };
    const variant = { action: 'Check', elements: ['CARD_NUMBER', 'NAME', 'ID_NUMBER', 'PHONE'] };
    const provider = probeWith({
      bankCard: { variants: [{ ...variant, prepare: () => ({ check }) }] },
    });
    const metrics = createMetrics();
    const core = createTestCore({ definitions: [provider], deps: { metrics } });
    core.provider.reply(() => new Promise(() => {}));
    const outcome = await checkBankCard(
      core.deps,
      callerOf(),
      cardInput('person'),
      core.deps.now() + 9000,
    );
    expect(outcome).toMatchObject({ kind: 'problem', problem: { code: 'OUTCOME_UNKNOWN' } });
    expect(core.provider.ledger).toHaveLength(1);
    const told = core.entries.map(({ kind, billing }) => [kind, billing]);
    expect(told).toEqual([
      ['charge_begun', undefined],
      ['charge', 'UNKNOWN'],
    ]);
    expect(await metrics.render()).toMatch(
      /^verification_chargeable_calls_total\{[^}]*billing="UNKNOWN"[^}]*\} 1$/mu,
    );
  });
});
