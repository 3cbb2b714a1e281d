import type { ListEntry } from '../../ports/index.ts';
import { modeOf, type KeySpace, type Storage } from '../core-deps.ts';
import { keyedHash, underEach } from './keyed-hash.ts';
import { personalLifeOfCheckMs, type AnyRecord } from './records.ts';

/** Ids of what a user has of one kind, the newest first. */
export interface UserRecords {
  /** Before anything is sent, so that nothing that was done can be missing. */
  readonly add: (entry: ListEntry) => Promise<void>;
  /** At most `most` of those after `after`. */
  readonly page: (after: ListEntry | null, most: number) => Promise<readonly ListEntry[]>;
  readonly remove: (ids: readonly string[]) => Promise<void>;
}

/** A pending verification begins its retention anew when it ends, and that is within four days. */
const openDays = 4;
const dayMs = 24 * 3600 * 1000;

/**
 * One list per tenant, user and kind. While hash keys are rotated, what is under either is found. It
 * knows a record for longer than anything personal is in it, so that redaction finds it all.
 */
export function userRecords(
  deps: Storage & KeySpace,
  { tenantId, userId }: { readonly tenantId: string; readonly userId: string },
  kind: AnyRecord['kind'],
): UserRecords {
  const { lists } = deps.store;
  const list = kind === 'bank_card' ? 'checks' : 'verifications';
  const parts = [modeOf(deps), tenantId, userId, list];
  const [newest, ...others] = underEach(deps.hashKeys, ({ key }) => keyedHash(key, 'user', parts));
  const all = [newest, ...others];
  const keepMs =
    list === 'checks'
      ? // Of a check nothing personal is left afterwards, and a service may make millions.
        personalLifeOfCheckMs(deps) + dayMs
      : (deps.retentionDays + openDays) * dayMs;

  return {
    add: (entry) => lists.add(newest, entry, keepMs / 1000),
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
