import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { terminalStatuses, bankCardOutcomes } from '../../src/contract/index.ts';
import { userMessages, type UserMessage } from '../../src/graphql/user-messages.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { cardInput } from '../support/card-input.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

async function valuesOf(name: string): Promise<readonly string[]> {
  const query = '($name: String!) { __type(name: $name) { enumValues { name } } }';
  const { data } = await app.send(`query ${query}`, { name });
  return data.__type.enumValues.map((each: { readonly name: string }) => each.name);
}

function assertShowable({ ZH, EN }: UserMessage, what: string): void {
  expect(ZH, what).toMatch(/\p{Script=Han}.*。$/u);
  expect(EN, what).toMatch(/^[A-Z][\w ,.']*\.$/u);
  for (const text of [ZH, EN]) {
    expect(text, what).not.toMatch(/\d|[A-Z]{4,}/u);
    expect(text, what).not.toMatch(/tencent|oemcloud|esign|alipay|wechat|fraud|provider/iu);
    expect(text, what).not.toMatch(/腾讯|支付宝|微信|欺诈|供应商/u);
  }
}

describe('the texts for people', () => {
  it('exist for every reason and problem of the schema, in both languages, without codes', async () => {
    for (const reason of await valuesOf('VerificationOutcomeReason'))
      for (const status of terminalStatuses)
        assertShowable(userMessages.ofOutcome(reason, status), `${reason} ${status}`);
    for (const reason of await valuesOf('BankCardOutcomeReason'))
      for (const outcome of bankCardOutcomes)
        assertShowable(userMessages.ofCheck(reason, outcome), `${reason} ${outcome}`);
    const codes = await valuesOf('VerificationProblemCode');
    for (const code of codes as Parameters<typeof userMessages.ofProblem>[0][])
      assertShowable(userMessages.ofProblem(code), code);
  });

  it('follow the status where the reason is unknown or forgotten', () => {
    for (const reason of ['OTHER', 'ACME_ODD', 'toString', '__proto__']) {
      expect(userMessages.ofOutcome(reason, 'PASSED').EN).toBe('Your identity has been verified.');
      expect(userMessages.ofOutcome(reason, 'CANCELLED').EN).toContain('cancelled');
      expect(userMessages.ofCheck(reason, 'MATCHED').EN).toBe('The details match.');
    }
  });

  it('are told by checks and problems in the wanted language, by default in Chinese', async () => {
    const texts = 'userMessage english: userMessage(language: EN)';
    const document = `mutation ($input: CheckBankCardInput!) { checkBankCard(input: $input) {
      ... on CheckBankCardSuccess { check { reason ${texts} } }
      ... on VerificationProblem { code ${texts} } } }`;
    const good = await app.send(document, { input: cardInput('texts', 'texts') });
    expect(good.data.checkBankCard.check).toEqual({
      reason: 'ALL_MATCHED',
      userMessage: '信息一致。',
      english: 'The details match.',
    });
    const wrong = await app.send(document, {
      input: { ...cardInput('wrong', 'wrong'), cardNumber: '1' },
    });
    expect(wrong.data.checkBankCard).toEqual({
      code: 'INVALID_INPUT',
      userMessage: '所填信息有误，请核对后重试。',
      english: 'Some of the details are not valid. Please check them and try again.',
    });
  });

  it('are told by verifications that have ended', async () => {
    const started = await app.send(
      `mutation ($input: StartVerificationInput!) { startVerification(input: $input) {
        ... on StartVerificationSuccess { verification { id outcome { userMessage } } } } }`,
      { input: { idempotencyKey: 'texts-v', channel: 'E_ID' } },
    );
    const { id, outcome } = started.data.startVerification.verification;
    expect(outcome).toBeNull();
    const { data } = await app.send(
      `mutation ($id: ID!) { cancelVerification(id: $id) {
        ... on CancelVerificationSuccess { verification { outcome { userMessage(language: EN) } } } } }`,
      { id },
    );
    expect(data.cancelVerification.verification.outcome.userMessage).toBe(
      'The verification was cancelled. You can start again.',
    );
  });
});
