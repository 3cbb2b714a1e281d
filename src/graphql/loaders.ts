import DataLoader from 'dataloader';
import type { ToldMedia } from '../contract/index.ts';
import type { ClearIdentity } from '../core/identity/recorded-identity.ts';
import { readClearIdentity, readMedia } from '../core/identity/read-personal.ts';
import type { ListEntry } from '../ports/index.ts';
import type { Caller } from '../core/callers/caller.ts';
import type { OutcomeDeps } from '../core/core-deps.ts';
import { readBankCardChecks } from '../core/bank-cards/read-bank-card-checks.ts';
import { readListPage, type ListPage } from '../core/verifications/read-user-verifications.ts';
import { readVerifications } from '../core/verifications/read-verifications.ts';
import type { BankCardRecord, VerificationRecord } from '../core/records/records.ts';

const byId = { cacheKeyFn: ({ id }: VerificationRecord) => id };

/** One set per request, so that results are never shared between callers. */
export interface Loaders {
  readonly verification: DataLoader<string, VerificationRecord | null>;
  readonly bankCardCheck: DataLoader<string, BankCardRecord | null>;
  /** What only an audited caller may read. Each reading is audited once per request. */
  readonly clearIdentity: DataLoader<VerificationRecord, ClearIdentity | null, string>;
  readonly media: DataLoader<VerificationRecord, readonly ToldMedia[], string>;
  /** Pages of users' lists. Each page is read once per request, however often it is requested. */
  readonly listPage: DataLoader<ListPage, readonly ListEntry[], string>;
}

export function createLoaders(core: OutcomeDeps, caller: Caller, deadlineMs: number): Loaders {
  return {
    verification: new DataLoader<string, VerificationRecord | null>((ids) =>
      readVerifications(core, caller, ids, deadlineMs),
    ),
    bankCardCheck: new DataLoader<string, BankCardRecord | null>((ids) =>
      readBankCardChecks(core, caller, ids),
    ),
    clearIdentity: new DataLoader<VerificationRecord, ClearIdentity | null, string>(
      (records) => Promise.all(records.map((each) => readClearIdentity(core, caller, each))),
      byId,
    ),
    media: new DataLoader<VerificationRecord, readonly ToldMedia[], string>(
      (records) => Promise.all(records.map((each) => readMedia(core, caller, each))),
      byId,
    ),
    listPage: new DataLoader<ListPage, readonly ListEntry[], string>(
      (pages) => Promise.all(pages.map((page) => readListPage(core, caller, page))),
      { cacheKeyFn: ({ userId, list, after }) => JSON.stringify([userId, list, after]) },
    ),
  };
}
