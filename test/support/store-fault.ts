import { StoreUnavailable, type Store } from '../../src/ports/index.ts';

type Part = 'claims' | 'records' | 'cache' | 'locks' | 'lists';

/** Makes one command of a store fail while `isOn`. */
export function storeFault<Of extends Part>(
  part: Of,
  command: keyof Store[Of] & string,
  isOn = false,
): { isOn: boolean; readonly store: (store: Store) => Store } {
  const fault = {
    isOn,
    store: (store: Store): Store => {
      // The commands differ in their arguments, which only pass through here.
      const send = store[part][command] as (...given: unknown[]) => Promise<unknown>;
      const failing = (...given: unknown[]) =>
        fault.isOn ? Promise.reject(new StoreUnavailable()) : send(...given);
      return { ...store, [part]: { ...store[part], [command]: failing } };
    },
  };
  return fault;
}
