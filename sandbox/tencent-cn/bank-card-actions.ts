import { z } from 'zod';
import { isNumeric, readOrders } from '../magic.ts';
import { toAnswer, type TencentAction } from '../tencent/tencent-server.ts';
import { bankCardCodes } from './codes.ts';

/** From the page BankCard4EVerification, example 2. */
const mismatchingCard = '6226090210146748';

const text = z.string().min(1);
const twoElements = z.strictObject({ Name: text, BankCard: text });
const certType = z.literal(0).optional();
const threeElements = twoElements.extend({ IdCard: text, CertType: certType });
const fourElements = threeElements.extend({ Phone: text });

type Params = z.output<typeof twoElements>;

function action<P extends Params>(
  name: keyof typeof bankCardCodes,
  params: z.ZodType<P>,
  encryptable: readonly string[],
  /** The code of another holder. */
  mismatch: string,
): TencentAction<P> {
  return {
    params,
    perSecond: 20,
    encryptable,
    run: ({ Name: person, BankCard: card }) => {
      const code =
        readOrders(person, name).get(name) ?? (card === mismatchingCard ? mismatch : '0');
      if (!isNumeric(code)) return toAnswer(code);
      const title = bankCardCodes[name].find((one) => one.code === code)?.title;
      return { Result: code, Description: title ?? `结果 ${code}` };
    },
  };
}

export const bankCardActions = {
  BankCard2EVerification: action('BankCard2EVerification', twoElements, ['Name', 'BankCard'], '-4'),
  BankCardVerification: action(
    'BankCardVerification',
    threeElements,
    ['Name', 'IdCard', 'BankCard'],
    '-5',
  ),
  BankCard4EVerification: action(
    'BankCard4EVerification',
    fourElements,
    ['Name', 'IdCard', 'Phone', 'BankCard'],
    '-6',
  ),
};
