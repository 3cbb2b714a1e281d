import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { terminalStatuses, bankCardOutcomes } from '../../src/contract/index.ts';
import type { ProblemCode } from '../../src/core/problem.ts';
import { userMessages, type UserMessage } from '../../src/graphql/user-messages.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { cardInput } from '../support/card-input.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

async function valuesOf(name: string): Promise<readonly string[]> {
  const query = '($name: String!) { type: __type(name: $name) { enumValues { name } } }';
  const { data } = await app.send(`query ${query}`, { name });
  return data.type.enumValues.map((each: { readonly name: string }) => each.name);
}

/** What must not be shown, and what is no sentence. */
function faultsOf({ ZH, EN }: UserMessage): readonly string[] {
  const isChinese = /\p{Script=Han}.*。$/u.test(ZH);
  const isEnglish = /^[A-Z][\w ,.']*\.$/u.test(EN);
  const isShown = [
    /\d|[A-Z]{4,}/u,
    /tencent|oemcloud|esign|alipay|wechat|fraud|provider/iu,
    /腾讯|支付宝|微信|欺诈|供应商/u,
  ];
  return [
    ...(isChinese ? [] : [`no sentence: ${ZH}`]),
    ...(isEnglish ? [] : [`no sentence: ${EN}`]),
    ...[ZH, EN].filter((text) => isShown.some((pattern) => pattern.test(text))),
  ];
}

describe('the texts for people', () => {
  it('exist for every reason and problem of the schema, in both languages, without codes', async () => {
    const reasons = await valuesOf('VerificationOutcomeReason');
    const cardReasons = await valuesOf('BankCardOutcomeReason');
    const codes = (await valuesOf('VerificationProblemCode')) as readonly ProblemCode[];
    const all = [
      ...reasons.flatMap((reason) =>
        terminalStatuses.map((status) => userMessages.ofOutcome(reason, status)),
      ),
      ...cardReasons.flatMap((reason) =>
        bankCardOutcomes.map((outcome) => userMessages.ofCheck(reason, outcome)),
      ),
      ...codes.map((code) => userMessages.ofProblem(code)),
    ];
    expect(all.length).toBeGreaterThan(100);
    expect(all.flatMap(faultsOf)).toEqual([]);
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
