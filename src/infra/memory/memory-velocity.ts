import type { Velocity, VelocityCounter } from '../../ports/index.ts';

interface Window {
  counted: number;
  readonly endsMs: number;
}

const sweepEveryMs = 10_000;

/**
 * Velocity counters of this process. They pass the same tests as those in Redis
 * (test/infra/velocity.test.ts).
 */
export function createMemoryVelocity({ now }: { readonly now: () => number }): Velocity {
  const windows = new Map<string, Window>();
  let sweptMs = now();

  const placeOf = ({ name, key }: VelocityCounter): string => `${name}:${key}`;

  /** The current window; undefined if there is none. */
  const openAt = (place: string): Window | undefined => {
    const window = windows.get(place);
    return window && window.endsMs > now() ? window : undefined;
  };

  const sweep = (): void => {
    if (now() - sweptMs < sweepEveryMs) return;
    sweptMs = now();
    for (const [place, { endsMs }] of windows) if (endsMs <= sweptMs) windows.delete(place);
  };

  return {
    spend: async (counters) => {
      sweep();
      const [longest] = counters
        .flatMap((counter) => {
          const window = openAt(placeOf(counter));
          const isFull = window && window.counted >= counter.rule.most;
          return isFull ? [{ by: counter.name, retryAfterMs: window.endsMs - now() }] : [];
        })
        .toSorted((a, b) => b.retryAfterMs - a.retryAfterMs);
      if (longest) return { kind: 'refused', ...longest };
      const spent = counters.map((counter) => {
        const place = placeOf(counter);
        const window = openAt(place) ?? {
          counted: 0,
          endsMs: now() + counter.rule.seconds * 1000,
        };
        window.counted += 1;
        windows.set(place, window);
        return window;
      });
      return {
        kind: 'spent',
        // A refund of an ended window has no effect: nothing reads that window any more.
        refund: async () => {
          for (const window of spent) window.counted = Math.max(0, window.counted - 1);
        },
      };
    },
  };
}
