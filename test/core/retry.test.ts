import { describe, expect, it } from 'vitest';
import type { FaultKind } from '../../src/contract/index.ts';
import { checkBankCard } from '../../src/core/bank-cards/check-bank-card.ts';
import { createRetryBudget } from '../../src/core/upstream/retry-budget.ts';
import { callerOf, createTestCore, failing, matched } from '../support/test-core.ts';

function withBudget() {
  return createTestCore({ deps: { retryBudget: createRetryBudget() } });
}

let keys = 0;
function check({ deps }: ReturnType<typeof createTestCore>) {
  keys += 1;
  const input = {
    idempotencyKey: `key-${keys}`,
    subject: { name: '韦小宝', idNumber: '11204416541220243X' },
    cardNumber: '6225768888888888',
    phone: '16137688175',
    maxAgeSeconds: 0,
  };
  return checkBankCard(deps, callerOf(), input, deps.now() + 9000);
}

describe('a call that was certainly not sent', () => {
  it('is retried once, and paid once', async () => {
    const core = withBudget();
    core.provider.reply(failing('not_sent'), () => matched);
    expect(await check(core)).toMatchObject({ kind: 'success' });
    expect(core.provider.ledger).toHaveLength(2);
  });

  it('is not sent a third time', async () => {
    const core = withBudget();
    core.provider.reply(failing('not_sent'), failing('not_sent'), () => matched);
    expect(await check(core)).toMatchObject({
      problem: { code: 'PROVIDER_UNAVAILABLE', billing: 'NOT_CHARGED', retry: 'SAME_KEY' },
    });
    expect(core.provider.ledger).toHaveLength(2);
  });

  it('is OUTCOME_UNKNOWN when the response to the retry was lost', async () => {
    const core = withBudget();
    core.provider.reply(failing('not_sent'), failing('timeout'));
    expect(await check(core)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
  });

  it('is retried within a budget, so that a provider that is down gets little more load', async () => {
    const core = withBudget();
    core.provider.reply(failing('not_sent'));
    for (let time = 0; time < 4; time++) await check(core);
    // The budget holds three retries. The breaker opens at the fifth fault in a row.
    expect(core.provider.ledger.length).toBeLessThanOrEqual(7);
    const budget = createRetryBudget();
    const spent = Array.from({ length: 100 }, () => {
      budget.earn('a');
      return budget.spend('a');
    });
    expect(spent.filter(Boolean).length).toBeLessThanOrEqual(13);
    expect(budget.spend('another')).toBe(true);
  });

  it.each<FaultKind>(['timeout', 'connection_lost', 'protocol', 'internal', 'busy', 'throttled'])(
    'does not include %s, which is never retried',
    async (kind) => {
      const core = withBudget();
      core.provider.reply(failing(kind), () => matched);
      expect(await check(core)).toMatchObject({ kind: 'problem' });
      expect(core.provider.ledger).toHaveLength(1);
    },
  );
});
