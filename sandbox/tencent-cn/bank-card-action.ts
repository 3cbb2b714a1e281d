import { z } from 'zod';
import { isNumeric, readOrders } from '../magic.ts';
import { toAnswer, type TencentAction } from '../tencent/tencent-server.ts';
import { bankCardCodes } from './codes.ts';

/** From the page BankCard4EVerification, example 2. */
const mismatchingCard = '6226090210146748';
const bankCardParams = z.strictObject({
  Name: z.string().min(1),
  BankCard: z.string().min(1),
  Phone: z.string().min(1),
  IdCard: z.string().min(1),
  CertType: z.literal(0).optional(),
});

export const bankCardAction: TencentAction<z.output<typeof bankCardParams>> = {
  params: bankCardParams,
  perSecond: 20,
  encryptable: ['Name', 'IdCard', 'Phone', 'BankCard'],
  run: ({ Name: name, BankCard: card }) => {
    const ordered = readOrders(name, 'BankCard4EVerification').get('BankCard4EVerification');
    const code = ordered ?? (card === mismatchingCard ? '-6' : '0');
    if (!isNumeric(code)) return toAnswer(code);
    const title = bankCardCodes.find((one) => one.code === code)?.title;
    return { Result: code, Description: title ?? `结果 ${code}` };
  },
};
