import type { Log } from '../ports/index.ts';
import type { AccountsFile } from './read-accounts-file.ts';
import type { Credentials, CredentialSource } from './read-credentials.ts';

/** The source of one account's credentials. */
export interface NamedSource {
  readonly provider: string;
  readonly account: string;
  readonly source: CredentialSource;
  /** The other settings of the account. */
  readonly given: Readonly<Record<string, string>>;
  readonly key: string;
}

export interface CredentialRenewal {
  /** Asks the sources, and asks again before their credentials end. Never throws. */
  readonly ask: (sources: readonly NamedSource[]) => Promise<void>;
  /** From now on these are asked again, and no others. */
  readonly keepOnly: (sources: readonly NamedSource[]) => void;
  /** Settings by name; null if the source has given none yet. */
  readonly broughtBy: (key: string) => Credentials['settings'] | null;
  readonly close: () => void;
}

interface Deps {
  readonly now: () => number;
  readonly log: Log;
  /** Rejects if the source gives none that the plugin takes. */
  readonly readCredentials: (named: NamedSource) => Promise<Credentials>;
}

/** Credentials are renewed this long before their end, or after half of a shorter life. */
const renewBeforeMs = 5 * 60_000;
const askAgainAfterMs = 10_000;
const leastMs = 1000;
/** The longest that a timer of Node can wait. */
const longestTimerMs = 2 ** 31 - 1;

/** Credentials with an end. `renewed` is called with each that was asked again. */
export function createCredentialRenewal(
  { now, log, readCredentials }: Deps,
  renewed: (named: NamedSource) => Promise<void>,
): CredentialRenewal {
  const brought = new Map<string, Credentials['settings']>();
  const timers = new Map<string, NodeJS.Timeout>();
  let isClosed = false;

  const askOne = async (named: NamedSource): Promise<void> => {
    const { provider, account, key } = named;
    let nextMs = askAgainAfterMs;
    try {
      const { settings, expiresAtMs } = await readCredentials(named);
      brought.set(key, settings);
      nextMs = expiresAtMs === null ? Infinity : nextAfterMs(expiresAtMs - now());
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      log.event('error', 'credentials_not_fetched', { provider, account, reason });
    }
    clearTimeout(timers.get(key));
    timers.delete(key);
    if (isClosed || nextMs === Infinity) return;
    const timer = setTimeout(
      () => void askOne(named).then(() => renewed(named)),
      Math.min(nextMs, longestTimerMs),
    );
    timer.unref();
    timers.set(key, timer);
  };

  return {
    ask: async (sources) => {
      await Promise.all(sources.map(askOne));
    },
    keepOnly: (sources) => {
      const kept = sources.map(({ key }) => key);
      for (const [key, timer] of timers) {
        if (kept.includes(key)) continue;
        clearTimeout(timer);
        timers.delete(key);
      }
      for (const key of brought.keys()) if (!kept.includes(key)) brought.delete(key);
      // One that was asked for a file that was not used yet.
      for (const named of sources) {
        if (timers.has(named.key) || brought.has(named.key)) continue;
        void askOne(named).then(() => renewed(named));
      }
    },
    broughtBy: (key) => brought.get(key) ?? null,
    close: () => {
      isClosed = true;
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

function nextAfterMs(leftMs: number): number {
  return Math.max(leastMs, leftMs > 2 * renewBeforeMs ? leftMs - renewBeforeMs : leftMs / 2);
}

export function keyOf(provider: string, account: string, source: CredentialSource | null): string {
  return JSON.stringify([provider, account, source]);
}

export function sourcesOf({ accounts }: AccountsFile): readonly NamedSource[] {
  return [...accounts].flatMap(([provider, plans]) =>
    [...plans].flatMap(([account, { source, given }]) => {
      if (source === null) return [];
      return [{ provider, account, source, given, key: keyOf(provider, account, source) }];
    }),
  );
}
