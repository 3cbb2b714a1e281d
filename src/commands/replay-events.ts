import { parseArgs } from 'node:util';
import { terminalStatuses } from '../contract/index.ts';
import { readMode } from './audit.ts';
import { wrongUsage } from './command-error.ts';
import { openStore } from './open-store.ts';
import { readTime } from './read-time.ts';

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
    for await (const { kind, recordId, at = '', ...line } of store.ledger(fromMs, toMs)) {
      const status = terminalStatuses.find((each) => each === line['status']);
      const isEnd = kind === 'ended' || kind === 'cancelled';
      if (!isEnd || recordId === undefined || status === undefined) continue;
      await store.publish({ verificationId: recordId, status, atMs: Date.parse(at) });
      count += 1;
    }
  } finally {
    store.close();
  }
  yield `${count} events were appended to vs:${store.mode}:events.`;
}
