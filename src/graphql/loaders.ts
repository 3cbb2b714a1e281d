import DataLoader from 'dataloader';
import type { Caller } from '../core/caller.ts';
import type { CoreDeps } from '../core/core-deps.ts';
import { readBankCardChecks } from '../core/read-bank-card-checks.ts';
import { readVerifications } from '../core/read-verifications.ts';
import type { BankCardRecord, VerificationRecord } from '../core/records.ts';

/** One set per request: an answer is never shared between callers. */
export interface Loaders {
  readonly verification: DataLoader<string, VerificationRecord | null>;
  readonly bankCardCheck: DataLoader<string, BankCardRecord | null>;
}

export function createLoaders(core: CoreDeps, caller: Caller, deadlineMs: number): Loaders {
  return {
    verification: new DataLoader<string, VerificationRecord | null>((ids) =>
      readVerifications(core, caller, ids, deadlineMs),
    ),
    bankCardCheck: new DataLoader<string, BankCardRecord | null>((ids) =>
      readBankCardChecks(core, caller, ids),
    ),
  };
}
