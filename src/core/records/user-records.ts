import type { ListEntry } from '../../ports/index.ts';
import { modeOf, type KeySpace, type Storage, type Tenancy } from '../core-deps.ts';
import { keyedHash, underEach } from './keyed-hash.ts';
import { personalLifeOfCheckMs, type AnyRecord } from './records.ts';

/** The ids of a user's records of one kind, newest first. */
export interface UserRecords {
  /** Called before anything is sent, so that the list misses no call that was made. */
  readonly add: (entry: ListEntry) => Promise<void>;
  /** At most `most` entries after `after`. */
  readonly page: (after: ListEntry | null, most: number) => Promise<readonly ListEntry[]>;
  readonly remove: (ids: readonly string[]) => Promise<void>;
}

const dayMs = 24 * 3600 * 1000;

interface ListOwner {
  readonly tenantId: string;
  readonly userId: string;
}

/**
 * One list per tenant, user and kind. During a key rotation the lists under all hash keys are read. An entry
 * lives longer than the personal data of its record, so that redaction finds all of it.
 */
export function userRecords(
  deps: Storage & KeySpace & Tenancy,
  owner: ListOwner,
  kind: AnyRecord['kind'],
): UserRecords {
  return userList(deps, owner, kind === 'bank_card' ? 'checks' : 'verifications');
}

/**
 * The verifications that a user passed, by the time at which they passed. An entry is written before its record,
 * so that no pass is missing; a reader checks the record.
 */
export function userPasses(deps: Storage & KeySpace & Tenancy, owner: ListOwner): UserRecords {
  return userList(deps, owner, 'passes');
}

function userList(
  deps: Storage & KeySpace & Tenancy,
  { tenantId, userId }: ListOwner,
  list: 'verifications' | 'checks' | 'passes',
): UserRecords {
  const { lists } = deps.store;
  const parts = [modeOf(deps), tenantId, userId, list];
  const [newest, ...others] = underEach(deps.hashKeys, ({ key }) => keyedHash(key, 'user', parts));
  const all = [newest, ...others];
  const rules = deps.tenants.rulesOf(tenantId);
  // The retention of a pending verification starts anew when it ends.
  const keepMs = Math.max(
    (rules.listedDays + deps.openDays) * dayMs,
    personalLifeOfCheckMs(rules) + dayMs,
  );

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
