const tellEveryMs = 60_000;

/** Tells of refusals once a minute at most for each name, with their number, because anybody can cause them. */
export function createRefusalTeller(
  tell: (name: string, count: number) => void,
  nowMs: () => number = () => performance.now(),
): (name: string) => void {
  const known = new Map<string, { count: number; toldMs: number }>();
  return (name) => {
    const refusals = known.get(name) ?? { count: 0, toldMs: -Infinity };
    known.set(name, refusals);
    refusals.count += 1;
    if (nowMs() - refusals.toldMs < tellEveryMs) return;
    tell(name, refusals.count);
    refusals.toldMs = nowMs();
    refusals.count = 0;
  };
}
