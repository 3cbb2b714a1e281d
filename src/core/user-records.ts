import type { ListEntry } from '../contract/index.ts';
import { modeOf, type CoreDeps } from './core-deps.ts';
import { keyedHash, underEach } from './keyed-hash.ts';

type ListDeps = Pick<CoreDeps, 'store' | 'hashKeys' | 'sandbox' | 'retentionDays'>;

/** What a user has: ids of verifications and of bank card checks, the newest first. */
export interface UserRecords {
  /** Before anything is sent, so that nothing that was done can be missing. */
  readonly add: (entry: ListEntry) => Promise<void>;
  /** At most `most` of those after `after`. */
  readonly page: (after: ListEntry | null, most: number) => Promise<readonly ListEntry[]>;
  readonly remove: (ids: readonly string[]) => Promise<void>;
}

/** One list per tenant and user. While hash keys are rotated, what is under either is found. */
export function userRecords(
  { store: { lists }, hashKeys, sandbox, retentionDays }: ListDeps,
  { tenantId, userId }: { readonly tenantId: string; readonly userId: string },
): UserRecords {
  const parts = [modeOf({ sandbox }), tenantId, userId];
  const [newest, ...others] = underEach(hashKeys, ({ key }) => keyedHash(key, 'user', parts));
  const all = [newest, ...others];

  return {
    add: (entry) => lists.add(newest, entry, retentionDays * 24 * 3600),
    page: async (after, most) => {
      const pages = await Promise.all(all.map((key) => lists.page(key, after, most)));
      return pages
        .flat()
        .toSorted((a, b) => b.atMs - a.atMs || (a.id < b.id ? 1 : -1))
        .slice(0, most);
    },
    remove: async (ids) => {
      await Promise.all(all.map((key) => lists.remove(key, ids)));
    },
  };
}
