import type { Pacer } from '../bottleneck-limiter.ts';

const windowMs = 1000;

/**
 * Reserves slots inside this process.
 *
 * Of any L + 1 consecutive calls, the last gets a slot at least one window and one guard after the first.
 * So jitter between the slot and the wire never puts more than L calls into one second.
 */
export function createMemoryPacer(deps: {
  readonly now: () => number;
  readonly guardMs: number;
}): Pacer {
  const granted = new Map<string, number[]>();

  return {
    reserve: async ({ key, perSecond }, latestMs, leadMs) => {
      const { perWindow, lengthMs } = windowOf(perSecond, deps.guardMs);
      const slots = granted.get(key) ?? [];
      const oldest = slots.length < perWindow ? undefined : slots[slots.length - perWindow];
      const slot = Math.max(
        deps.now() + leadMs,
        slots.at(-1) ?? 0,
        oldest === undefined ? 0 : oldest + lengthMs,
      );
      if (slot > latestMs) return null;
      granted.set(key, [...slots.slice(1 - perWindow || slots.length), slot]);
      return {
        atMs: slot,
        giveBack: () => {
          const now = granted.get(key) ?? [];
          granted.set(key, now.toSpliced(now.lastIndexOf(slot), now.includes(slot) ? 1 : 0));
        },
      };
    },

    warm: async () => {},

    backOff: async (key, forMs) => {
      const slots = granted.get(key) ?? [];
      granted.set(key, [...slots, Math.max(slots.at(-1) ?? 0, deps.now() + forMs)]);
    },
  };
}

/**
 * How many calls fit into a window of which length. A limit below one per second means one call in a longer
 * window.
 */
export function windowOf(
  perSecond: number,
  guardMs: number,
): { readonly perWindow: number; readonly lengthMs: number } {
  return {
    perWindow: Math.max(1, Math.floor(perSecond)),
    lengthMs: (perSecond < 1 ? windowMs / perSecond : windowMs) + guardMs,
  };
}
