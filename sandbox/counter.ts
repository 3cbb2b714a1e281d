/** Counts calls per calendar second, as a provider does. Returns true if a call exceeds the limit. */
export function createCounter(now: () => number): (name: string, perSecond: number) => boolean {
  const counts = new Map<string, { second: number; count: number }>();
  return (name, perSecond) => {
    const second = Math.floor(now() / 1000);
    const known = counts.get(name);
    const current = known?.second === second ? known : { second, count: 0 };
    current.count += 1;
    counts.set(name, current);
    return current.count > perSecond;
  };
}
