import { parseArgs } from 'node:util';
import { terminalStatuses } from '../contract/index.ts';
import { toEvent } from '../core/ledger/to-event.ts';
import type { LedgerKind, ServiceEvent } from '../ports/index.ts';
import { readMode } from './audit.ts';
import { withoutRevoked } from './charges.ts';
import { wrongUsage } from './command-error.ts';
import { openStore } from './open-store.ts';
import { readTime } from './read-time.ts';

type Line = Readonly<Record<string, string>>;

const kinds: readonly LedgerKind[] = [
  ...(['started', 'checked', 'redacted', 'ended', 'cancelled', 'revoked'] as const),
];

/**
 * Appends the events of a time again, as the ledger knows them, for a consumer that has lost them. Consumers expect an
 * event to come twice. Throws `CommandError`, `BootError` and `StoreUnavailable`.
 */
export async function* replayEvents(
  env: Readonly<Record<string, string | undefined>>,
  parameters: readonly string[],
): AsyncIterable<string> {
  const given = parseArgs({
    args: [...parameters],
    options: { from: { type: 'string' }, to: { type: 'string' }, mode: { type: 'string' } },
  }).values;
  if (given.from === undefined) throw wrongUsage('events replay needs --from');
  const fromMs = readTime('--from', given.from, 'begin');
  const toMs = given.to === undefined ? Number.MAX_SAFE_INTEGER : readTime('--to', given.to, 'end');
  const store = await openStore(env, readMode(given.mode));
  let count = 0;
  try {
    const lines: Line[] = [];
    for await (const line of store.ledger(fromMs, toMs)) {
      if (kinds.some((kind) => kind === line['kind'])) lines.push(line);
    }
    for (const line of withoutRevoked(lines)) {
      const event = toAnyEvent(line);
      if (!event) continue;
      await store.publish(event);
      count += 1;
    }
  } finally {
    store.close();
  }
  yield `${count} events were appended to vs:${store.mode}:events.`;
}

/** The service publishes an end at once, and all other events from the ledger. */
function toAnyEvent({ kind = '', at = '', recordId, tenantId, status }: Line): ServiceEvent | null {
  const atMs = Date.parse(at);
  const isEnd = terminalStatuses.some((each) => each === status) && recordId !== undefined;
  return (kind === 'ended' || kind === 'cancelled') && isEnd
    ? { kind: 'verification.ended', recordId, tenantId: tenantId ?? '', status: status ?? '', atMs }
    : toEvent({ kind, recordId, tenantId, status, atMs });
}
