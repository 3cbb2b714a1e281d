import { orUnavailable, type RedisClient } from './connect-redis.ts';

/** An entry of the audit, with its id in the stream and the fields of docs/events.md. */
export type AuditLine = Readonly<Record<string, string>> & { readonly entry: string };

const entriesAtOnce = 500;

/** The entries of a time, oldest first, in portions. Throws `StoreUnavailable`. */
export async function* readRedisAudit(
  client: RedisClient,
  mode: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): AsyncIterable<AuditLine> {
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

function toLine(entry: string, fields: readonly string[]): AuditLine {
  const pairs = fields.flatMap((name, at) => (at % 2 ? [] : [[name, fields[at + 1] ?? '']]));
  return { entry, ...Object.fromEntries(pairs) };
}
