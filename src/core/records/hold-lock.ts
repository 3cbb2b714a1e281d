import type { LockStore } from '../../ports/index.ts';

export interface Lock {
  /** False while another owner holds it under one of the keys. */
  readonly take: (forMs: number) => Promise<boolean>;
  /** Extends the lease. False if the lock is no longer held under every key. */
  readonly renew: (forMs: number) => Promise<boolean>;
  /** Best effort: the lock expires by itself. */
  readonly release: () => Promise<void>;
}

/** The lease of a lock that is renewed while its owner lives, and the interval of the renewals. */
export const leaseMs = 3000;
const renewEveryMs = 1000;

/**
 * Renews a lock that was taken for `leaseMs`, until the returned function is called. If its owner dies or is
 * paused, the lock expires within three seconds.
 *
 * Best effort: an owner that must not continue without the lock calls `renew` itself.
 */
export function keepRenewing(lock: Lock): () => void {
  const timer = setInterval(() => {
    lock.renew(leaseMs).catch(() => false);
  }, renewEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** One lock under all keys, taken in their order. It is held only if every key is held. */
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
        // The lock may have been taken and only the reply lost.
        await release(keys);
        throw error;
      }
    },
    renew: async (forMs) =>
      (await Promise.all(keys.map((key) => locks.renew(key, owner, forMs)))).every(Boolean),
    release: () => release(keys),
  };
}
