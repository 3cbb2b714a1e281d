import { hash } from 'node:crypto';
import { ledgerFields, type LedgerEntry, type OperationScope } from '../../ports/index.ts';

/** Names and texts of an entry, one after the other, as the stream holds them. */
export function toLedgerPairs(
  entry: LedgerEntry,
  scope: Pick<OperationScope, 'operation' | 'requestId'> | undefined,
): readonly string[] {
  const known: Readonly<Record<string, string | number | null | undefined>> = {
    ...entry,
    operation: scope?.operation,
    requestId: scope?.requestId,
  };
  const pairs = ['at', new Date(entry.atMs).toISOString(), 'kind', entry.kind];
  for (const name of ledgerFields) {
    const value = known[name];
    if (value !== undefined && value !== null && value !== '') pairs.push(name, String(value));
  }
  return pairs;
}

/** SHA-256 of the content of an entry, in hex. `content`: its names and texts as a JSON array. */
export function digestOf(content: string): string {
  return hash('sha256', content, 'hex');
}
