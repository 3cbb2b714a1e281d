import type { Pacer } from './bottleneck-limiter.ts';

const windowMs = 1000;

/**
 * Grants moments of sending inside this process.
 *
 * Of any L + 1 calls in a row the last is granted a whole window and the guard after the first, so
 * that jitter between granting and arriving never puts more than L into one second.
 */
export function createMemoryPacer(deps: {
  readonly now: () => number;
  readonly guardMs: number;
}): Pacer {
  const granted = new Map<string, number[]>();

  return {
    reserve: async (key, perSecond, latestMs) => {
      // Less than one call a second is a longer window for one call.
      const perWindow = Math.max(1, Math.floor(perSecond));
      const length = (perSecond < 1 ? windowMs / perSecond : windowMs) + deps.guardMs;
      const slots = granted.get(key) ?? [];
      const oldest = slots.length < perWindow ? undefined : slots[slots.length - perWindow];
      const slot = Math.max(
        deps.now(),
        slots.at(-1) ?? 0,
        oldest === undefined ? 0 : oldest + length,
      );
      if (slot > latestMs) return null;
      granted.set(key, [...slots.slice(1 - perWindow || slots.length), slot]);
      return slot;
    },
  };
}
