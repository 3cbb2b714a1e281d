import type { CacheStore } from '../../ports/index.ts';
import type { Swept } from './swept.ts';

export function memoryCache({ now }: { readonly now: () => number }): Swept<CacheStore> {
  const cached = new Map<string, { readonly body: string; readonly forgetAtMs: number }>();

  return {
    sweep: () => {
      for (const [key, kept] of cached) if (kept.forgetAtMs <= now()) cached.delete(key);
    },
    get: async (key) => {
      const kept = cached.get(key);
      return kept && kept.forgetAtMs > now() ? kept.body : null;
    },
    set: async (key, body, keepSeconds) => {
      cached.set(key, { body, forgetAtMs: now() + keepSeconds * 1000 });
    },
    remove: async (keys) => {
      for (const key of keys) cached.delete(key);
    },
  };
}
