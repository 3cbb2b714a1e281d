import type { Store } from '../../src/ports/index.ts';

type Part = 'claims' | 'records' | 'cache' | 'locks' | 'lists';

/** Runs `once`, when it is set, right before the next command of this name. */
export function storeHook<Of extends Part>(
  part: Of,
  command: keyof Store[Of] & string,
): { once: (() => Promise<unknown>) | null; readonly store: (store: Store) => Store } {
  const hook: ReturnType<typeof storeHook> = {
    once: null,
    store: (store) => {
      // The commands differ in their arguments, which only pass through here.
      const send = store[part][command] as (...given: unknown[]) => Promise<unknown>;
      const hooked = async (...given: unknown[]) => {
        const run = hook.once;
        hook.once = null;
        await run?.();
        return send(...given);
      };
      return { ...store, [part]: { ...store[part], [command]: hooked } };
    },
  };
  return hook;
}
