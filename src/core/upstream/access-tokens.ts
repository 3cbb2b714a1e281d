import { Secret, type AccessToken } from '../../contract/index.ts';
import { StoreUnavailable, type Store } from '../../ports/index.ts';
import { keyedHashes, type NamedKey } from '../records/keyed-hash.ts';
import type { RegisteredProvider } from './registry.ts';

/** Access tokens that several operations of an account share. */
export interface AccessTokens {
  /** Throws what `fetch` throws. */
  readonly get: (
    provider: RegisteredProvider,
    name: string,
    fetch: () => Promise<AccessToken>,
  ) => Promise<Secret>;
  /** Drops the tokens of an account whose credentials were refused. Best effort. */
  readonly forget: (provider: RegisteredProvider) => Promise<void>;
}

interface Known {
  readonly token: Secret;
  readonly untilMs: number;
}

/** A token that is handed out is valid for longer than an operation lasts. */
const marginMs = 30_000;

/**
 * Tokens are kept in this process, and encrypted in the store for the other replicas. If the store is down,
 * each process fetches its own token and the calls still work.
 */
export function createAccessTokens(deps: {
  readonly store: Store;
  readonly hashKeys: readonly [NamedKey, ...NamedKey[]];
  readonly mode: string;
  readonly now: () => number;
}): AccessTokens {
  const known = new Map<string, Known>();
  const fetching = new Map<string, Promise<Secret>>();
  const namesOf = new Map<string, Set<string>>();
  const accountOf = ({ definition: { id }, account, credentialId }: RegisteredProvider): string =>
    JSON.stringify([id, account, credentialId]);
  const keysOf = (account: string, name: string) =>
    keyedHashes(deps.hashKeys, 'access token', [deps.mode, account, name]);

  const recall = async (keys: readonly string[]): Promise<Known | null> => {
    for (const key of keys) {
      const text = await orNull(deps.store.cache.get(key));
      if (text === null) continue;
      const { token, untilMs } = JSON.parse(text) as { token: string; untilMs: number };
      if (untilMs > deps.now()) return { token: new Secret(token), untilMs };
    }
    return null;
  };

  const obtain = async (
    keys: readonly [string, ...string[]],
    fetch: () => Promise<AccessToken>,
  ): Promise<Secret> => {
    const found = await recall(keys);
    if (found) {
      known.set(keys[0], found);
      return found.token;
    }
    const { token, expiresInSeconds } = await fetch();
    if (typeof token !== 'string' || token === '' || !(expiresInSeconds > 0)) {
      throw new Error('fetch of an access token must return { token, expiresInSeconds }');
    }
    const sealed = new Secret(token);
    const keptMs = expiresInSeconds * 1000 - marginMs;
    if (keptMs > 0) {
      const untilMs = deps.now() + keptMs;
      known.set(keys[0], { token: sealed, untilMs });
      const text = JSON.stringify({ token, untilMs });
      await Promise.all(keys.map((key) => orNull(deps.store.cache.set(key, text, keptMs / 1000))));
    }
    return sealed;
  };

  return {
    get: async (provider, name, fetch) => {
      const account = accountOf(provider);
      namesOf.set(account, (namesOf.get(account) ?? new Set()).add(name));
      const keys = keysOf(account, name);
      const own = known.get(keys[0]);
      if (own && own.untilMs > deps.now()) return own.token;
      // Requests at the same time share one fetch. If that fails, each of them fetches itself.
      const theirs = fetching.get(keys[0]);
      const theirToken = theirs && (await theirs.catch(() => null));
      if (theirToken) return theirToken;
      const shared = obtain(keys, fetch);
      fetching.set(keys[0], shared);
      return shared.finally(() => {
        if (fetching.get(keys[0]) === shared) fetching.delete(keys[0]);
      });
    },
    forget: async (provider) => {
      const account = accountOf(provider);
      for (const name of namesOf.get(account) ?? []) {
        const keys = keysOf(account, name);
        known.delete(keys[0]);
        await orNull(deps.store.cache.remove(keys));
      }
    },
  };
}

async function orNull<T>(step: Promise<T>): Promise<T | null> {
  try {
    return await step;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    return null;
  }
}
