/** Measures how far away Redis is. */
export interface RoundTrips {
  readonly add: (ms: number) => void;
  /**
   * The fastest of the last samples, so that a stall of this process does not count; null before the first.
   */
  readonly currentMs: () => number | null;
}

const mostSamples = 5;
/** Above this, Redis costs quota (docs/operating.md, bench:quota). */
const farMs = 100;

/** Calls `onFar` once when Redis turns out to be far away, and again only after it was near. */
export function createRoundTrips(onFar: (roundTripMs: number) => void): RoundTrips {
  let samples: readonly number[] = [];
  let isFar = false;
  const currentMs = (): number | null => (samples.length === 0 ? null : Math.min(...samples));
  return {
    currentMs,
    add: (ms) => {
      samples = [...samples.slice(1 - mostSamples), ms];
      const fastestMs = Math.round(currentMs() ?? 0);
      const isFarNow = samples.length === mostSamples && fastestMs > farMs;
      if (isFarNow && !isFar) onFar(fastestMs);
      isFar = isFarNow;
    },
  };
}
