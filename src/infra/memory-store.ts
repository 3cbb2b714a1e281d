import type { ActionEffect } from '../contract/index.ts';
import type {
  ClaimTicket,
  ListEntry,
  RecordLife,
  RecordParts,
  Store,
  StoredRecord,
} from '../ports/index.ts';

interface Claim {
  state: 'claimed' | 'started' | 'unknown' | 'done';
  readonly fingerprint: string;
  readonly recordId: string;
  readonly owner: string;
  readonly fence: number;
  readonly effect: ActionEffect;
  /** End of the lease, of the time limit for the response, or of retention, depending on the state. */
  untilMs: number;
  /** When the claim is dropped, whatever its state. */
  forgetAtMs: number;
}

interface Kept {
  readonly record: StoredRecord;
  readonly forgetAtMs: number;
  readonly forgetPersonalAtMs: number;
}

interface List {
  readonly entries: Map<string, ListEntry>;
  forgetAtMs: number;
}

const sweepEveryMs = 10_000;

/**
 * The store inside this process, for the sandbox and for tests. A restart loses everything.
 *
 * It passes the same contract suite as every other store (test/support/store-contract.ts).
 */
export function createMemoryStore({ now }: { readonly now: () => number }): Store {
  const claims = new Map<string, Claim>();
  const records = new Map<string, Kept>();
  const cached = new Map<string, { readonly body: string; readonly forgetAtMs: number }>();
  const locks = new Map<string, { readonly owner: string; readonly untilMs: number }>();
  const lists = new Map<string, List>();
  let fence = 0;
  let swept = now();

  /** Drops expired entries from time to time, so that a long sandbox session stays small. */
  function sweep(): void {
    if (now() - swept < sweepEveryMs) return;
    swept = now();
    for (const [key, claim] of claims) if (claim.forgetAtMs <= swept) claims.delete(key);
    for (const [id, kept] of records) {
      if (kept.forgetAtMs <= swept) records.delete(id);
      else if (kept.forgetPersonalAtMs <= swept && kept.record.personal !== null) {
        records.set(id, { ...kept, record: { ...kept.record, personal: null } });
      }
    }
    for (const [key, list] of lists) if (list.forgetAtMs <= swept) lists.delete(key);
    for (const [key, kept] of cached) if (kept.forgetAtMs <= swept) cached.delete(key);
    for (const [key, lock] of locks) if (lock.untilMs <= swept) locks.delete(key);
  }

  function claimOf(key: string): Claim | undefined {
    const claim = claims.get(key);
    return claim && claim.forgetAtMs > now() ? claim : undefined;
  }

  function ownClaim(ticket: ClaimTicket): Claim | undefined {
    const claim = claimOf(ticket.key);
    return claim?.owner === ticket.owner && claim.fence === ticket.fence ? claim : undefined;
  }

  function recordOf(id: string): StoredRecord | null {
    const kept = records.get(id);
    if (!kept || kept.forgetAtMs <= now()) return null;
    return kept.forgetPersonalAtMs > now() ? kept.record : { ...kept.record, personal: null };
  }

  function keep(
    id: string,
    version: number,
    { body, personal }: RecordParts,
    { seconds, personalSeconds }: RecordLife,
  ): StoredRecord {
    const record = { id, version, body, personal };
    const forgetPersonalAtMs = now() + personalSeconds * 1000;
    records.set(id, { record, forgetAtMs: now() + seconds * 1000, forgetPersonalAtMs });
    return record;
  }

  return {
    claims: {
      take: async ({ key, fingerprint, recordId, owner, effect, leaseMs }) => {
        sweep();
        const claim = claimOf(key);
        const isFree = !claim || (claim.state === 'claimed' && claim.untilMs <= now());
        if (isFree) {
          fence += 1;
          const untilMs = now() + leaseMs;
          claims.set(key, {
            state: 'claimed',
            fingerprint,
            recordId,
            owner,
            fence,
            effect,
            untilMs,
            forgetAtMs: untilMs,
          });
          return { state: 'won', ticket: { key, owner, fence } };
        }
        if (claim.fingerprint !== fingerprint) return { state: 'mismatch' };
        if (claim.state === 'started' && claim.untilMs <= now()) {
          if (claim.effect === 'may_charge') {
            claim.state = 'unknown';
          } else {
            claims.delete(key);
            return { state: 'lapsed', recordId: claim.recordId };
          }
        }
        return { state: claim.state, recordId: claim.recordId };
      },

      start: async (ticket, { answerWithinMs, keepSeconds }) => {
        const claim = ownClaim(ticket);
        if (claim?.state !== 'claimed' || claim.untilMs <= now()) return false;
        claim.state = 'started';
        claim.untilMs = now() + answerWithinMs;
        claim.forgetAtMs = now() + keepSeconds * 1000;
        return true;
      },

      startAgain: async (ticket, { answerWithinMs, keepSeconds }) => {
        const claim = ownClaim(ticket);
        if (claim?.state !== 'started' || claim.untilMs <= now()) return false;
        claim.untilMs = now() + answerWithinMs;
        claim.forgetAtMs = now() + keepSeconds * 1000;
        return true;
      },

      settle: async (ticket, state, keepSeconds) => {
        const claim = ownClaim(ticket);
        if (claim?.state === state) return true;
        const isOpen = claim?.state === 'started' || claim?.state === 'unknown';
        if (!claim || !isOpen) return false;
        claim.state = state;
        claim.forgetAtMs = now() + keepSeconds * 1000;
        return true;
      },

      adopt: async (ticket, keepSeconds) => {
        const claim = ownClaim(ticket);
        if (claim?.state === 'done') return true;
        if (claim?.state !== 'claimed') return false;
        claim.state = 'done';
        claim.forgetAtMs = now() + keepSeconds * 1000;
        return true;
      },

      release: async (ticket) => {
        const claim = ownClaim(ticket);
        if (!claim || claim.state === 'done') return false;
        claims.delete(ticket.key);
        return true;
      },
    },

    records: {
      create: async (id, parts, life) => {
        sweep();
        return keep(id, 1, parts, life);
      },

      get: async (ids) => ids.map(recordOf),

      replace: async ({ id, version }, parts, life) =>
        recordOf(id)?.version === version ? keep(id, version + 1, parts, life) : null,

      remove: async (id) => {
        records.delete(id);
      },
    },

    cache: {
      get: async (key) => {
        const kept = cached.get(key);
        return kept && kept.forgetAtMs > now() ? kept.body : null;
      },
      set: async (key, body, keepSeconds) => {
        sweep();
        cached.set(key, { body, forgetAtMs: now() + keepSeconds * 1000 });
      },
      remove: async (keys) => {
        for (const key of keys) cached.delete(key);
      },
    },

    lists: {
      add: async (key, entry, keepSeconds) => {
        sweep();
        const list = lists.get(key) ?? { entries: new Map<string, ListEntry>(), forgetAtMs: 0 };
        lists.set(key, list);
        list.entries.set(entry.id, entry);
        list.forgetAtMs = now() + keepSeconds * 1000;
        for (const { id, atMs } of list.entries.values()) {
          if (atMs <= entry.atMs - keepSeconds * 1000) list.entries.delete(id);
        }
      },
      page: async (key, after, most) => {
        const list = lists.get(key);
        if (!list || list.forgetAtMs <= now()) return [];
        return [...list.entries.values()]
          .filter((entry) => !after || isNewer(after, entry))
          .toSorted((a, b) => (isNewer(a, b) ? -1 : 1))
          .slice(0, most);
      },
      remove: async (key, ids) => {
        for (const id of ids) lists.get(key)?.entries.delete(id);
      },
    },

    locks: {
      take: async (key, owner, forMs) => {
        sweep();
        if ((locks.get(key)?.untilMs ?? 0) > now()) return false;
        locks.set(key, { owner, untilMs: now() + forMs });
        return true;
      },
      renew: async (key, owner, forMs) => {
        const lock = locks.get(key);
        if (lock?.owner !== owner || lock.untilMs <= now()) return false;
        locks.set(key, { owner, untilMs: now() + forMs });
        return true;
      },
      release: async (key, owner) => {
        const lock = locks.get(key);
        if (lock?.owner !== owner || lock.untilMs <= now()) return false;
        return locks.delete(key);
      },
    },

    ping: async () => {},
    close: async () => {},
  };
}

/** Compares by time, then by id. */
function isNewer(one: ListEntry, other: ListEntry): boolean {
  return one.atMs === other.atMs ? one.id > other.id : one.atMs > other.atMs;
}
