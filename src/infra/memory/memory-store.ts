import type { LedgerEntry, Store } from '../../ports/index.ts';
import { memoryCache } from './memory-cache.ts';
import { memoryClaims } from './memory-claims.ts';
import { memoryLists } from './memory-lists.ts';
import { memoryLocks } from './memory-locks.ts';
import { memoryRecords } from './memory-records.ts';

const sweepEveryMs = 10_000;

/**
 * The store inside this process, for the sandbox and for tests. A restart loses everything.
 *
 * It passes the same contract suite as every other store (test/support/store-contract.ts).
 */
export function createMemoryStore({
  now,
  onEntry = () => {},
}: {
  readonly now: () => number;
  /** Learns of each entry of the ledger. No other process could read them, so none is kept. */
  readonly onEntry?: (entry: LedgerEntry) => void;
}): Store {
  const append = (entries: readonly LedgerEntry[] = []): void => entries.forEach(onEntry);
  const claims = memoryClaims({ now, append });
  const records = memoryRecords({ now, append });
  const cache = memoryCache({ now });
  const lists = memoryLists({ now });
  const locks = memoryLocks({ now });
  let sweptMs = now();
  let noted: string | null = null;

  return {
    // Each start takes a claim. Expired entries are dropped then, so that a long sandbox session stays small.
    claims: {
      ...claims,
      take: (claim) => {
        if (now() - sweptMs >= sweepEveryMs) {
          sweptMs = now();
          for (const part of [claims, records, cache, lists, locks]) part.sweep();
        }
        return claims.take(claim);
      },
    },
    ...{ records, cache, lists, locks },
    ledger: {
      append: async (entries) => append(entries),
      noted: {
        read: async () => noted,
        replace: async (before, after, entries) => {
          if (noted !== before) return false;
          noted = after;
          append(entries);
          return true;
        },
      },
    },
    ping: async () => {},
    close: async () => {},
  };
}
