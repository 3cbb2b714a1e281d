/** A clock that was set back further than this is followed; nonces of the future would be refused. */
const followsBackMs = 60_000;

/** The time by `now`, in milliseconds, never the same twice: for nonces that are timestamps. */
export function createNonceClock(now: () => number): () => number {
  let last = 0;
  return () => {
    const nowMs = now();
    last = last - nowMs > followsBackMs ? nowMs : Math.max(nowMs, last + 1);
    return last;
  };
}
