import type { RegisteredProvider } from './registry.ts';

interface Wanted<T> {
  readonly name: string;
  readonly keepSeconds: number;
  readonly fetch: () => Promise<T>;
  readonly isStale: ((value: T) => boolean) | undefined;
}

/** What proves the signatures of notifications, such as a provider's public keys. */
export interface VerificationValues {
  /** See `VerifyContext.cached`. Rejects with what `fetch` rejects with. */
  readonly get: <T>(provider: RegisteredProvider, wanted: Wanted<T>) => Promise<T>;
}

interface Entry {
  /** The last value that was fetched. A failed fetch does not replace it. */
  kept: { readonly value: unknown; readonly untilMs: number } | null;
  /** The fetch that is running. All requests share it. */
  fetching: Promise<unknown> | null;
  /** When the last fetch began, and what it rejected with. */
  triedMs: number;
  failure: { readonly error: unknown } | null;
}

/** Anyone can send a notification with an unknown key. */
const leastBetweenStaleMs = 30_000;
/** The pause after a fetch that failed, if there is no value. */
const failureCooldownMs = 1000;

/** Kept in this process: the values are public and can be fetched again. */
export function createVerificationValues({
  now,
}: {
  readonly now: () => number;
}): VerificationValues {
  const entries = new Map<string, Entry>();

  const renew = <T>(entry: Entry, { keepSeconds, fetch }: Wanted<T>): Promise<T> => {
    const triedMs = now();
    entry.triedMs = triedMs;
    const fetching = Promise.resolve()
      .then(fetch)
      .then(
        (value) => {
          entry.kept = { value, untilMs: triedMs + keepSeconds * 1000 };
          entry.failure = null;
          return value;
        },
        (error: unknown) => {
          entry.failure = { error };
          throw error;
        },
      )
      .finally(() => {
        entry.fetching = null;
      });
    entry.fetching = fetching;
    return fetching;
  };

  return {
    get: async <T>({ definition, account }: RegisteredProvider, wanted: Wanted<T>): Promise<T> => {
      const key = JSON.stringify([definition.id, account, wanted.name]);
      const entry = entries.get(key) ?? {
        ...{ kept: null, fetching: null },
        ...{ triedMs: -Infinity, failure: null },
      };
      entries.set(key, entry);
      // The same `fetch` made all values under this name.
      const kept = entry.kept !== null && now() < entry.kept.untilMs ? entry.kept : null;
      if (kept && wanted.isStale?.(kept.value as T) !== true) return kept.value as T;
      if (entry.fetching) return entry.fetching as Promise<T>;
      const sinceMs = now() - entry.triedMs;
      const isPaused = sinceMs < (kept ? leastBetweenStaleMs : failureCooldownMs);
      if (isPaused && entry.failure) throw entry.failure.error;
      return isPaused && kept ? (kept.value as T) : renew(entry, wanted);
    },
  };
}
