import {
  checkCardNumber,
  checkIdNumber,
  checkIdNumberChecksum,
  checkLuhn,
  checkName,
  checkPhone,
  createProblemList,
  lookUp,
  ProviderFault,
  type BankCardDefinition,
  type BankCardElement,
  type BankCardInput,
  type BankCardResult,
  type BankCardVariant,
  type FieldProblem,
  type PrepareContext,
} from '../../src/contract/plugin-api.ts';
import { verifyBankCard, type CardAction } from './api.ts';
import { card2Table, card3Table, card4Table, type CardTable } from './mapping.ts';
import type { TencentCnSettings } from './settings.ts';

/** One call each, which may be charged. There is no way to query its result later. */
export const bankCard: BankCardDefinition<TencentCnSettings> = {
  variants: [
    variant('BankCard2EVerification', card2Table, ['CARD_NUMBER', 'NAME']),
    variant('BankCardVerification', card3Table, ['CARD_NUMBER', 'NAME', 'ID_NUMBER']),
    variant('BankCard4EVerification', card4Table, ['CARD_NUMBER', 'NAME', 'ID_NUMBER', 'PHONE']),
  ],
};

function variant(
  action: CardAction,
  table: CardTable,
  elements: readonly BankCardElement[],
): BankCardVariant<TencentCnSettings> {
  return {
    ...{ action, elements },
    prepare: (input, context) => {
      const problems = findProblems(input, context);
      if (problems.length > 0) return { problems };
      return {
        check: async (call) => {
          const answer = await verifyBankCard(
            call,
            action,
            {
              Name: input.subject.name ?? '',
              BankCard: input.cardNumber,
              IdCard: input.subject.idNumber ?? undefined,
              Phone: input.phone ?? undefined,
              CertType: elements.includes('ID_NUMBER') ? input.certType : undefined,
            },
            table,
          );
          return toBankCardResult(answer.Result, table, call.now());
        },
      };
    },
  };
}

/** Each variant gets its own elements only, so what is absent is not checked. */
function findProblems(
  { subject, cardNumber, phone, certType }: BankCardInput,
  { doubt, nowMs }: PrepareContext<TencentCnSettings>,
): readonly FieldProblem[] {
  const problems = createProblemList();
  const { name, idNumber } = subject;

  // The page states no length, neither of names nor of numbers.
  if (name !== null) problems.add('subject.name', checkName(name));
  if (idNumber !== null) {
    const problem = checkIdNumber(idNumber);
    problems.add('subject.idNumber', problem);
    if (problem === null) doubt('subject.idNumber', checkIdNumberChecksum(idNumber, nowMs));
  }

  const cardProblem = checkCardNumber(cardNumber);
  problems.add('cardNumber', cardProblem);
  if (cardProblem === null) doubt('cardNumber', checkLuhn(cardNumber));

  if (phone !== null) problems.add('phone', checkPhone(phone));
  if (certType !== 0) problems.add('certType', 'must be 0: no other document is supported yet');
  return problems.all;
}

function toBankCardResult(
  code: string | null,
  { codes }: CardTable,
  nowMs: number,
): BankCardResult {
  if (code === null) throw new ProviderFault('protocol');
  const meaning = lookUp(codes, code);
  if (!meaning) {
    return { outcome: 'UNDETERMINED', reason: 'OTHER', code, message: null, billing: 'UNKNOWN' };
  }
  const isLimit = meaning.reason === 'DAILY_LIMIT';
  return { ...meaning, code, possibleAgainAtMs: isLimit ? nextMidnightMs(nowMs) : null };
}

const dayMs = 24 * 3600 * 1000;
const shanghaiOffsetMs = 8 * 3600 * 1000;

/** "请次日重试": the provider's day ends at midnight in Shanghai, which has no daylight saving time. */
function nextMidnightMs(nowMs: number): number {
  return nowMs + dayMs - ((nowMs + shanghaiOffsetMs) % dayMs);
}
