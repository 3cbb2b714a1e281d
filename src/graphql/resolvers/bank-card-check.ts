import type { BankCardResult } from '../../contract/index.ts';
import { demandRead } from '../../core/verifications/read-verifications.ts';
import { readCalls } from '../../core/records/recorded-call.ts';
import type { BankCardRecord } from '../../core/records/records.ts';
import type { BankCardCheckResolvers, BankCardOutcomeReason } from '../generated.ts';
import { isEnumValue } from '../known-values.ts';
import { providerRef } from '../provider-ref.ts';
import { referenceId } from '../reference-id.ts';
import { userMessages } from '../user-messages.ts';

export const bankCardCheck: BankCardCheckResolvers = {
  // Async, because a synchronous throw would null the whole batch (@apollo/subgraph 2.15.1).
  __resolveReference: async (reference, { caller, loaders }) => {
    demandRead(caller);
    return loaders.bankCardCheck.load(referenceId(reference));
  },
  provider: (record, _arguments, { core }) => providerRef(core, record),
  outcome: (check) => resultOf(check).outcome,
  checkedElements: ({ checkedElements }) => [...checkedElements],
  matched: (check) => resultOf(check).outcome === 'MATCHED',
  // A plugin may add reasons, so only the assembled schema knows all names.
  reason: (check, _arguments, _context, { schema }) => {
    const { reason } = resultOf(check);
    return isEnumValue(schema, 'BankCardOutcomeReason', reason)
      ? (reason as BankCardOutcomeReason)
      : 'OTHER';
  },
  code: (check) => resultOf(check).code,
  message: (check) => resultOf(check).message,
  userMessage: (check, { language }) => {
    const { reason, outcome } = resultOf(check);
    return userMessages.ofCheck(reason, outcome)[language];
  },
  billing: (check) => resultOf(check).billing,
  checkedAt: ({ checkedAtMs, createdAtMs }) => checkedAtMs ?? createdAtMs,
  possibleAgainAt: (check) => resultOf(check).possibleAgainAtMs ?? null,
  calls: ({ calls }) => readCalls(calls),
  user: ({ userId }) => ({ id: userId }),
};

/** Checks without a result are invisible, so every visible check has one. */
function resultOf({ result }: BankCardRecord): BankCardResult {
  if (!result) throw new Error('a check without a result was shown');
  return result;
}
