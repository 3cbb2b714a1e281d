import type { RegisteredProvider } from './registry.ts';

/** What proves the signatures of notifications, such as a provider's public keys. */
export interface VerificationValues {
  /** See `VerifyContext.cached`. Rejects with what `fetch` rejects with. */
  readonly get: <T>(
    provider: RegisteredProvider,
    wanted: {
      readonly name: string;
      readonly keepSeconds: number;
      readonly fetch: () => Promise<T>;
      readonly isStale: ((value: T) => boolean) | undefined;
    },
  ) => Promise<T>;
}

interface Kept {
  readonly value: Promise<unknown>;
  readonly fetchedMs: number;
  readonly untilMs: number;
}

/** Anyone can send a notification with an unknown key. */
const leastBetweenFetchesMs = 30_000;
/** The pause after a fetch that failed. */
const failureCooldownMs = 1000;

/** Kept in this process: the values are public and can be fetched again. */
export function createVerificationValues({
  now,
}: {
  readonly now: () => number;
}): VerificationValues {
  const all = new Map<string, Kept>();
  return {
    get: async ({ definition }, { name, keepSeconds, fetch, isStale }) => {
      const key = JSON.stringify([definition.id, name]);
      const renew = async () => {
        const fetchedMs = now();
        const value = fetch();
        all.set(key, { value, fetchedMs, untilMs: fetchedMs + keepSeconds * 1000 });
        value.catch(() => {
          all.set(key, { value, fetchedMs, untilMs: now() + failureCooldownMs });
        });
        return value;
      };
      const kept = all.get(key);
      if (!kept || now() >= kept.untilMs) return renew();
      // The same `fetch` made it.
      const value = (await kept.value) as Awaited<ReturnType<typeof fetch>>;
      const mayRenew = now() - kept.fetchedMs >= leastBetweenFetchesMs;
      return mayRenew && isStale?.(value) === true ? renew() : value;
    },
  };
}
