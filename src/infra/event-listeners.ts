export interface Listeners {
  /** Returns a function that removes the listener. */
  readonly add: (name: string, listener: () => void) => () => void;
  readonly tell: (name: string) => void;
  readonly count: () => number;
}

/** Listeners by name. */
export function createListeners(): Listeners {
  const byName = new Map<string, Set<() => void>>();
  let count = 0;
  return {
    add: (name, listener) => {
      const own = (): void => listener();
      const listeners = byName.get(name) ?? new Set();
      byName.set(name, listeners.add(own));
      count += 1;
      return () => {
        if (!listeners.delete(own)) return;
        count -= 1;
        if (listeners.size === 0) byName.delete(name);
      };
    },
    tell: (name) => {
      for (const listener of byName.get(name) ?? []) listener();
    },
    count: () => count,
  };
}
