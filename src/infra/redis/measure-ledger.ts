import type { RedisClient } from './connect-redis.ts';

/** How full the ledger is, and what each consumer group has not acknowledged yet. */
export interface LedgerState {
  readonly entries: number;
  readonly waiting: readonly { readonly group: string; readonly entries: number }[];
}

/** Null if Redis does not tell. */
export async function measureLedger(
  client: RedisClient,
  mode: string,
): Promise<LedgerState | null> {
  const key = `{vs:${mode}}:audit`;
  try {
    const [entries, groups] = await Promise.all([
      client.xlen(key),
      // Without a stream there are no groups, and Redis calls that an error.
      client.xinfo('GROUPS', key).catch(() => []),
    ]);
    return { entries, waiting: (groups as readonly unknown[]).map(toWaiting) };
  } catch {
    return null;
  }
}

/** A list of names and values, or an object of them, as the protocol says. */
function toWaiting(told: unknown): LedgerState['waiting'][number] {
  const pairs = Array.isArray(told)
    ? told.flatMap((name, at) => (at % 2 ? [] : [[String(name), told[at + 1]] as const]))
    : Object.entries(Object(told));
  const about: Readonly<Record<string, unknown>> = Object.fromEntries(pairs);
  // `lag` is null if entries were deleted in between. Then what is pending is known at least.
  return {
    group: String(about['name']),
    entries: Number(about['lag'] ?? 0) + Number(about['pending'] ?? 0),
  };
}
