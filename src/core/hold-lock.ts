import type { LockStore } from '../contract/index.ts';

export interface Lock {
  /** False while somebody else holds it under one of the keys. */
  readonly take: (forMs: number) => Promise<boolean>;
  /** A new end. False when it is no longer ours under each. */
  readonly renew: (forMs: number) => Promise<boolean>;
  /** Best effort: it ends by itself. */
  readonly release: () => Promise<void>;
}

/** One lock under every key, taken in their order; held only where each is. */
export function holdLock(
  locks: LockStore,
  keys: readonly [string, ...string[]],
  owner: string,
): Lock {
  const release = async (taken: readonly string[]): Promise<void> => {
    for (const key of taken) await locks.release(key, owner).catch(() => false);
  };
  return {
    take: async (forMs) => {
      try {
        for (const [at, key] of keys.entries()) {
          if (await locks.take(key, owner, forMs)) continue;
          await release(keys.slice(0, at));
          return false;
        }
        return true;
      } catch (error) {
        // Perhaps it was taken, and only the reply was lost.
        await release(keys);
        throw error;
      }
    },
    renew: async (forMs) => {
      for (const key of keys) if (!(await locks.renew(key, owner, forMs))) return false;
      return true;
    },
    release: () => release(keys),
  };
}
