import type { LockStore } from '../../ports/index.ts';

export interface Lock {
  /** False while somebody else holds it under one of the keys. */
  readonly take: (forMs: number) => Promise<boolean>;
  /** A new end. False when it is no longer ours under each. */
  readonly renew: (forMs: number) => Promise<boolean>;
  /** Best effort: it ends by itself. */
  readonly release: () => Promise<void>;
}

/** How long a lock is held that is renewed while its holder lives, and how often that is. */
export const leaseMs = 3000;
const renewEveryMs = 1000;

/**
 * Renews a lock that was taken for `leaseMs` until the returned function is called. When its holder dies,
 * or is paused for longer than that, the lock ends within three seconds.
 *
 * Best effort: whoever must not go on without the lock renews it itself.
 */
export function keepRenewing(lock: Lock): () => void {
  const timer = setInterval(() => {
    lock.renew(leaseMs).catch(() => false);
  }, renewEveryMs);
  timer.unref();
  return () => clearInterval(timer);
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
    renew: async (forMs) =>
      (await Promise.all(keys.map((key) => locks.renew(key, owner, forMs)))).every(Boolean),
    release: () => release(keys),
  };
}
