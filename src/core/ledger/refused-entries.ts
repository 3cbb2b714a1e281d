import type { LedgerEntry } from '../../ports/index.ts';
import type { CallerLimits } from '../core-deps.ts';
import type { Problem } from '../problem.ts';
import type { AnyRecord } from '../records/records.ts';
import { refusedEntry, type LedgerDeps, type RefusedByLimit } from './ledger-entries.ts';

/** How often the same limit is told for one tenant and account. A client that repeats must not fill the ledger. */
const tellEveryMs = 60_000;

/** Refusals that are about money, once a minute for each tenant, account and limit, with their number since the last. */
export function refusedEntries(
  deps: LedgerDeps & Pick<CallerLimits, 'refusalsTold'>,
  record: AnyRecord,
  { providerId, account }: Pick<RefusedByLimit, 'providerId' | 'account'>,
  { code, limit: ofCaller }: Pick<Problem, 'code' | 'limit'>,
): readonly LedgerEntry[] {
  const isCaller = ofCaller === 'TENANT_DAILY' || ofCaller === 'VELOCITY';
  const limit = code === 'PROVIDER_QUOTA_EXHAUSTED' ? 'PROVIDER_ACCOUNT' : isCaller && ofCaller;
  if (limit === false) return [];
  const key = JSON.stringify([record.tenantId, providerId, account, limit]);
  const { atMs, count } = deps.refusalsTold.get(key) ?? { atMs: -Infinity, count: 0 };
  const isDue = deps.now() - atMs >= tellEveryMs;
  const next = isDue ? { atMs: deps.now(), count: 0 } : { atMs, count: count + 1 };
  deps.refusalsTold.set(key, next);
  return isDue
    ? [refusedEntry(deps, record, { providerId, account, limit, count: count + 1 })]
    : [];
}
