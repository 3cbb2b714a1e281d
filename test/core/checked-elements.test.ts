import { describe, expect, it } from 'vitest';
import type { BankCardElement } from '../../src/contract/index.ts';
import {
  checkBankCard,
  type CheckBankCardInput,
} from '../../src/core/bank-cards/check-bank-card.ts';
import { probeWith } from '../support/probe-with.ts';
import { probeRequest } from '../support/probe-request.ts';
import { callerOf, createTestCore, matched, probe } from '../support/test-core.ts';

const all = {
  subject: { name: '韦小宝', idNumber: '11204416541220243X' },
  cardNumber: '6225768888888888',
  phone: '16137688175',
};
const three: readonly BankCardElement[] = ['CARD_NUMBER', 'NAME', 'ID_NUMBER'];

/** The probe with one variant, or with several. Its ledger shows which one served. */
function checking(...sets: readonly (readonly BankCardElement[])[]) {
  const variants = sets.map((elements) => ({
    elements,
    action: 'Check',
    prepare: (input: object) => ({
      check: (call: { send: (upstream: object) => Promise<unknown> }) =>
        call.send({
          action: 'Check',
          build: () => probeRequest('Check', { elements, input }),
          read: () => matched,
        }),
    }),
  }));
  const core = createTestCore({
    definitions: [sets.length === 0 ? probe : probeWith({ bankCard: { variants } })],
  });
  core.provider.reply(() => matched);
  return core;
}

let keys = 0;
function check(
  { deps }: ReturnType<typeof createTestCore>,
  input: Partial<CheckBankCardInput>,
  idempotencyKey = `key-${(keys += 1)}`,
) {
  const whole = { cardNumber: all.cardNumber, ...input, idempotencyKey };
  return checkBankCard(deps, callerOf(), whole, deps.now() + 9000);
}

describe('the elements of a card check', () => {
  it('are those that were given, and the variant for exactly these serves', async () => {
    const two: readonly BankCardElement[] = ['CARD_NUMBER', 'NAME'];
    const core = checking(two, three);
    const checked = await check(core, { subject: all.subject });
    expect(checked).toMatchObject({ check: { checkedElements: three } });
    expect(await check(core, { subject: { name: '韦小宝' } })).toMatchObject({
      check: { checkedElements: two },
    });
    expect(core.provider.ledger.map(({ body }) => body)).toMatchObject([
      { elements: three, input: { phone: null } },
      { elements: two, input: { phone: null, subject: { idNumber: null } } },
    ]);
  });

  it.each<[string, Partial<CheckBankCardInput>, readonly string[]]>([
    ['named and missing', { subject: all.subject, elements: [...three, 'PHONE'] }, ['phone']],
    ['given and not named', { ...all, elements: three }, ['phone']],
    [
      'without the card number',
      { ...all, elements: ['NAME'] },
      ['elements', 'subject.idNumber', 'phone'],
    ],
    ['an empty phone', { subject: all.subject, phone: ' ' }, ['phone']],
    [
      'an empty ID number',
      { subject: { name: '韦小宝', idNumber: '' }, phone: null },
      ['subject.idNumber'],
    ],
  ])('are refused when one is %s, and nothing is sent', async (_name, input, paths) => {
    const core = checking(
      three,
      ['CARD_NUMBER', 'NAME'],
      ['CARD_NUMBER', 'NAME', 'ID_NUMBER', 'PHONE'],
    );
    const outcome = await check(core, input);
    if (outcome.kind !== 'problem') throw new Error('checked');
    expect(outcome.problem).toMatchObject({ code: 'INVALID_INPUT', billing: 'NOT_CHARGED' });
    const named = outcome.problem.fields.map(({ path }) => path);
    expect(named).toEqual(expect.arrayContaining([...paths]));
    expect(core.provider.ledger).toEqual([]);
  });

  it('that no provider checks together are refused, with the sets that can be served', async () => {
    const outcome = await check(checking(three), all);
    expect(outcome).toMatchObject({
      problem: {
        fields: [
          {
            path: 'elements',
            message: 'cannot be checked together. Possible: CARD_NUMBER + NAME + ID_NUMBER',
          },
        ],
      },
    });
  });

  it('keep the results of fewer elements apart from those of more', async () => {
    const core = checking(three, ['CARD_NUMBER', 'NAME', 'ID_NUMBER', 'PHONE']);
    await check(core, all);
    expect(await check(core, { subject: all.subject })).toMatchObject({ cached: false });
    expect(await check(core, { subject: all.subject })).toMatchObject({ cached: true });
    expect(await check(core, all, 'same')).toMatchObject({ cached: true });
    expect(await check(core, { subject: all.subject }, 'same')).toMatchObject({
      problem: { code: 'IDEMPOTENCY_MISMATCH' },
    });
    const named = { ...all, elements: [...three, 'PHONE'] as const };
    expect(await check(core, named, 'same')).toMatchObject({ replayed: true });
  });
});
