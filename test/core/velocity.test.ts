import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/ports/index.ts';
import { checkBankCard } from '../../src/core/bank-cards/check-bank-card.ts';
import type { VelocityRules } from '../../src/core/callers/velocity-rules.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { probeWith } from '../support/probe-with.ts';
import { callerOf, createTestCore, failing, matched } from '../support/test-core.ts';

const none: VelocityRules = {
  user: null,
  card: null,
  idNumber: null,
  tenantDaily: null,
  tenantShare: null,
};

function limited(rules: Partial<VelocityRules>) {
  const core = createTestCore({ rules: { velocity: { ...none, ...rules } } });
  core.provider.reply(() => matched);
  return core;
}

let keys = 0;
function check(
  { deps }: ReturnType<typeof createTestCore>,
  changes: object = {},
  caller = callerOf(),
) {
  keys += 1;
  const input = {
    idempotencyKey: `key-${keys}`,
    subject: { name: '韦小宝', idNumber: '11204416541220243X' },
    cardNumber: '6225768888888888',
    phone: '16137688175',
    maxAgeSeconds: 0,
    ...changes,
  };
  return checkBankCard(deps, caller, input, deps.now() + 9000);
}

const refusal = { problem: { code: 'RATE_LIMITED', retry: 'SAME_KEY', billing: 'NOT_CHARGED' } };
const two = { most: 2, seconds: 3600 };
const others = { subject: { name: '陈近南', idNumber: '440305199505132561' } };

describe('velocity limits', () => {
  it('count the calls of one user, and return when to retry', async () => {
    const core = limited({ user: two });
    await check(core);
    await check(core);
    const refused = await check(core);
    expect(refused).toMatchObject(refusal);
    if (refused.kind !== 'problem') throw new Error('not refused');
    expect(refused.problem.retryAfterMs).toBeGreaterThan(1000);
    expect(await check(core, {}, callerOf('user-2'))).toMatchObject({ kind: 'success' });
    expect(await check(core, {}, callerOf('user-1', 'tenant-2'))).toMatchObject({
      kind: 'success',
    });
    expect(core.provider.ledger).toHaveLength(4);
  });

  it('count the checks of one card over all users and tenants', async () => {
    const core = limited({ card: two });
    await check(core);
    await check(core, others, callerOf('user-2', 'tenant-2'));
    expect(await check(core, others, callerOf('user-3', 'tenant-3'))).toMatchObject(refusal);
    expect(await check(core, { cardNumber: '6226090210146748' })).toMatchObject({
      kind: 'success',
    });
  });

  it('count the checks and starts of one ID number', async () => {
    const core = limited({ idNumber: two });
    const { deps } = core;
    await check(core);
    await check(core, { cardNumber: '6226090210146748' }, callerOf('user-2'));
    const input = {
      idempotencyKey: 'start',
      channel: 'FACE_WEB',
      subject: { idNumber: '11204416541220243x' },
    };
    expect(await startVerification(deps, callerOf(), input, deps.now() + 9000)).toMatchObject(
      refusal,
    );
    expect(await check(core, others)).toMatchObject({ kind: 'success' });
  });

  it('count the chargeable calls of a tenant in a day, without refused ones', async () => {
    const core = limited({ tenantDaily: { most: 2, seconds: 86_400 } });
    core.provider.reply(failing('busy'), failing('throttled'), () => matched);
    await check(core);
    await check(core);
    expect(await check(core)).toMatchObject({ kind: 'success' });
    expect(await check(core, {}, callerOf('user-2'))).toMatchObject({ kind: 'success' });
    expect(await check(core)).toMatchObject(refusal);
    expect(await check(core, {}, callerOf('user-1', 'tenant-2'))).toMatchObject({
      kind: 'success',
    });
  });

  it('reserve a part of the quota for other tenants', async () => {
    // The limit is twenty a second, of which a tenth are two.
    const core = limited({ tenantShare: 0.1 });
    const all = await Promise.all(Array.from({ length: 6 }, () => check(core)));
    expect(all.filter(({ kind }) => kind === 'success').length).toBeLessThanOrEqual(4);
    expect(all.filter(({ kind }) => kind === 'problem').length).toBeGreaterThanOrEqual(2);
    expect(await check(core, {}, callerOf('user-1', 'tenant-2'))).toMatchObject({
      kind: 'success',
    });
  });

  it.each<[string, Partial<VelocityRules>, string]>([
    ['of chargeable calls a day', { tenantDaily: { most: 1, seconds: 86_400 } }, 'TENANT_DAILY'],
    ['of the tenant’s share', { tenantShare: 0.01 }, 'TENANT_SHARE'],
    ['of a user', { user: { most: 1, seconds: 3600 } }, 'VELOCITY'],
    ['of a card', { card: { most: 1, seconds: 3600 } }, 'VELOCITY'],
    ['of an ID number', { idNumber: { most: 1, seconds: 3600 } }, 'VELOCITY'],
  ])('are told apart from the provider’s own: the one %s', async (_name, rules, limit) => {
    const core = limited(rules);
    await check(core);
    expect(await check(core)).toMatchObject({ problem: { code: 'RATE_LIMITED', limit } });
    const throttled = limited({});
    throttled.provider.reply(failing('throttled'));
    expect(await check(throttled)).toMatchObject({ problem: { limit: 'PROVIDER_RATE' } });
  });

  it('count neither replays nor cache hits', async () => {
    const core = limited({ user: { most: 1, seconds: 3600 } });
    const same = { idempotencyKey: 'same', maxAgeSeconds: null };
    await check(core, same);
    expect(await check(core, same)).toMatchObject({ replayed: true });
    expect(await check(core, { maxAgeSeconds: null })).toMatchObject({ cached: true });
    expect(await check(core)).toMatchObject(refusal);
  });

  it('refuse every call when the counters are unavailable', async () => {
    const broken = { spend: () => Promise.reject(new StoreUnavailable()) };
    const core = createTestCore({
      rules: { velocity: { ...none, user: two } },
      deps: { velocity: broken },
    });
    expect(await check(core)).toMatchObject({ problem: { code: 'STORE_UNAVAILABLE' } });
    expect(core.provider.ledger).toHaveLength(0);
  });

  it('count nothing for a call that another limit refuses, so that a card is not locked for others', async () => {
    const core = limited({
      card: { most: 1, seconds: 3600 },
      tenantDaily: { most: 1, seconds: 60 },
    });
    await check(core, { ...others, cardNumber: '6226090210146748' });
    for (let time = 0; time < 3; time++) expect(await check(core)).toMatchObject(refusal);
    expect(await check(core, {}, callerOf('user-2', 'tenant-2'))).toMatchObject({
      kind: 'success',
    });
  });

  it('refund calls that did nothing, however often they are repeated', async () => {
    const core = limited({ user: { most: 1, seconds: 3600 } });
    core.provider.reply(...Array.from({ length: 4 }, () => failing('throttled')), () => matched);
    for (let time = 0; time < 4; time++) {
      expect(await check(core, { idempotencyKey: 'one' })).toMatchObject(refusal);
    }
    expect(await check(core, { idempotencyKey: 'one' })).toMatchObject({ kind: 'success' });
    expect(await check(core)).toMatchObject(refusal);
  });

  it('do not fall back to another provider', async () => {
    const definitions = ['first', 'second'].map((id) => probeWith({ id }));
    const core = createTestCore({
      definitions,
      routing: new Map([['FACE_WEB', ['first', 'second']]]),
      rules: { velocity: { ...none, user: { most: 1, seconds: 3600 } } },
    });
    const { deps } = core;
    const start = (idempotencyKey: string) =>
      startVerification(
        deps,
        callerOf(),
        { idempotencyKey, channel: 'FACE_WEB' },
        deps.now() + 9000,
      );
    await start('one');
    expect(await start('two')).toMatchObject(refusal);
    expect(core.provider.ledger).toHaveLength(1);
  });
});
