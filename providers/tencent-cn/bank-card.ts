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
  type BankCardInput,
  type BankCardResult,
  type FieldProblem,
  type PrepareContext,
} from '../../src/contract/plugin-api.ts';
import { bankCard4EVerification } from './api.ts';
import { bankCardCodes } from './mapping.ts';
import type { TencentCnSettings } from './settings.ts';

/** BankCard4EVerification: one call, which may be charged. There is no way to query its result later. */
export const bankCard: BankCardDefinition<TencentCnSettings> = {
  action: 'BankCard4EVerification',

  prepare: (input, context) => {
    const problems = findProblems(input, context);
    if (problems.length > 0) return { problems };
    return {
      check: async (call) => {
        const answer = await bankCard4EVerification(call, {
          Name: input.subject.name ?? '',
          IdCard: input.subject.idNumber ?? '',
          BankCard: input.cardNumber,
          Phone: input.phone,
          CertType: input.certType,
        });
        return toBankCardResult(answer.Result);
      },
    };
  },
};

function findProblems(
  input: BankCardInput,
  { doubt, nowMs }: PrepareContext<TencentCnSettings>,
): readonly FieldProblem[] {
  const problems = createProblemList();
  const { name, idNumber } = input.subject;

  // The page states no length, neither of names nor of numbers.
  problems.add('subject.name', name === null ? 'is needed' : checkName(name));
  if (idNumber === null) {
    problems.add('subject.idNumber', 'is needed');
  } else {
    const problem = checkIdNumber(idNumber);
    problems.add('subject.idNumber', problem);
    if (problem === null) doubt('subject.idNumber', checkIdNumberChecksum(idNumber, nowMs));
  }

  const cardProblem = checkCardNumber(input.cardNumber);
  problems.add('cardNumber', cardProblem);
  if (cardProblem === null) doubt('cardNumber', checkLuhn(input.cardNumber));

  problems.add('phone', checkPhone(input.phone));
  if (input.certType !== 0)
    problems.add('certType', 'must be 0: no other document is supported yet');
  return problems.all;
}

function toBankCardResult(code: string | null): BankCardResult {
  if (code === null) throw new ProviderFault('protocol');
  const meaning = lookUp(bankCardCodes, code);
  return meaning
    ? { ...meaning, code }
    : { outcome: 'UNDETERMINED', reason: 'OTHER', code, message: null, billing: 'UNKNOWN' };
}
