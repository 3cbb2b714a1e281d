/** If the clock is set back further than this, the nonces follow it: the provider refuses future nonces. */
const followsBackMs = 60_000;

/** Nonces that are timestamps: the time in milliseconds, and never the same value twice in a row. */
export function createNonceClock(now: () => number): () => number {
  let last = 0;
  return () => {
    const nowMs = now();
    last = last - nowMs > followsBackMs ? nowMs : Math.max(nowMs, last + 1);
    return last;
  };
}
