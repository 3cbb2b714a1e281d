import type { LockStore } from '../../ports/index.ts';
import type { Swept } from './swept.ts';

export function memoryLocks({ now }: { readonly now: () => number }): Swept<LockStore> {
  const locks = new Map<string, { readonly owner: string; readonly untilMs: number }>();

  return {
    sweep: () => {
      for (const [key, lock] of locks) if (lock.untilMs <= now()) locks.delete(key);
    },
    take: async (key, owner, forMs) => {
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
  };
}
