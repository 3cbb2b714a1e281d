import { createHash } from 'node:crypto';

/** How long a nonce is valid, and cannot be used again. */
const windowMs = 15 * 60_000;
const mostSeen = 10_000;

export interface NonceWindow {
  /** The error of a nonce, or null. A valid nonce is used up. */
  readonly refuse: (nonce: string | null) => string | null;
  /** True if these parameters come for the first time. */
  readonly isFirst: (params: object) => boolean;
}

/** X-Ca-Nonce as the page defines it: the time in milliseconds, within 15 minutes, used once. */
export function createNonceWindow(now: () => number): NonceWindow {
  const used = new Map<string, number>();
  const seen = new Set<string>();
  return {
    refuse: (nonce) => {
      if (nonce === null) return 'X-Ca-Nonce is required';
      if (!/^\d{1,16}$/u.test(nonce)) return 'Invalid X-Ca-Nonce';
      if (Math.abs(now() - Number(nonce)) > windowMs) return 'X-Ca-Nonce expired';
      if (used.has(nonce)) return 'Nonce Used';
      used.set(nonce, now());
      for (const [old, atMs] of used) {
        if (now() - atMs <= windowMs) break;
        used.delete(old);
      }
      return null;
    },
    isFirst: (params) => {
      const digest = createHash('sha256').update(JSON.stringify(params)).digest('hex');
      if (seen.has(digest)) return false;
      if (seen.size >= mostSeen) seen.clear();
      seen.add(digest);
      return true;
    },
  };
}
