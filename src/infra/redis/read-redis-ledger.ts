import { orUnavailable, type RedisClient } from './connect-redis.ts';

/** An entry of the ledger, with its id in the stream and the fields of docs/ledger.md. */
export type LedgerLine = Readonly<Record<string, string>> & { readonly entry: string };

const entriesAtOnce = 500;

/** The entries of a time, oldest first, in portions. Throws `StoreUnavailable`. */
export async function* readRedisLedger(
  client: RedisClient,
  mode: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): AsyncIterable<LedgerLine> {
  let from = String(fromMs);
  for (;;) {
    const found = await orUnavailable(() =>
      client.xrange(`{vs:${mode}}:audit`, from, String(toMs), 'COUNT', entriesAtOnce),
    );
    for (const [entry, fields] of found) yield toLine(entry, fields);
    const [last] = found.at(-1) ?? [];
    if (last === undefined || found.length < entriesAtOnce) return;
    // After this one.
    from = `(${last}`;
  }
}

/** `chain` of the newest entry before a time; null if there is none, or it is not kept. Throws `StoreUnavailable`. */
export async function readChainBefore(
  client: RedisClient,
  mode: string,
  ms: number,
): Promise<string | null> {
  if (ms <= 0) return null;
  const [found] = await orUnavailable(() =>
    client.xrevrange(`{vs:${mode}}:audit`, `(${ms}-0`, '-', 'COUNT', 1),
  );
  return found ? (toLine(...found)['chain'] ?? null) : null;
}

/** A line from the names and texts of an entry. */
export function toLine(entry: string, fields: readonly string[]): LedgerLine {
  const pairs = fields.flatMap((name, at) => (at % 2 ? [] : [[name, fields[at + 1] ?? '']]));
  return { entry, ...Object.fromEntries(pairs) };
}
