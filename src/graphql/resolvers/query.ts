import { demandRead } from '../../core/verifications/read-verifications.ts';
import { providerRefs } from '../provider-ref.ts';
import type { QueryResolvers } from '../generated.ts';

export const query: QueryResolvers = {
  verification: async (_root, { id }, { caller, loaders }) => {
    demandRead(caller);
    return loaders.verification.load(id);
  },
  bankCardCheck: async (_root, { id }, { caller, loaders }) => {
    demandRead(caller);
    return loaders.bankCardCheck.load(id);
  },
  verificationProviders: (_root, _arguments, { core, caller }) => [...providerRefs(core, caller)],
};
