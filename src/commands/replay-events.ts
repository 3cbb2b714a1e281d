import { parseArgs } from 'node:util';
import { terminalStatuses } from '../contract/index.ts';
import { readMode } from './audit.ts';
import { withoutRevoked } from './charges.ts';
import { wrongUsage } from './command-error.ts';
import { openStore } from './open-store.ts';
import { readTime } from './read-time.ts';

const kinds = ['ended', 'cancelled', 'revoked'];

/**
 * Appends the events of ended verifications again, as the ledger knows them, for a consumer that has lost them. Consumers
 * expect an event to come twice. Throws `CommandError`, `BootError` and `StoreUnavailable`.
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
    const ends: Readonly<Record<string, string>>[] = [];
    for await (const line of store.ledger(fromMs, toMs)) {
      if (kinds.includes(line['kind'] ?? '')) ends.push(line);
    }
    for (const { recordId, at = '', ...line } of withoutRevoked(ends)) {
      const status = terminalStatuses.find((each) => each === line['status']);
      if (recordId === undefined || status === undefined) continue;
      await store.publish({ verificationId: recordId, status, atMs: Date.parse(at) });
      count += 1;
    }
  } finally {
    store.close();
  }
  yield `${count} events were appended to vs:${store.mode}:events.`;
}
