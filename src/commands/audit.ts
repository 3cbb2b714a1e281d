import { parseArgs } from 'node:util';
import { openStore } from './open-store.ts';
import { readTime } from './read-time.ts';
import { wrongUsage } from './command-error.ts';
import { exportEnd, exportFormats, toExportLine, toHeading } from './ledger-export.ts';

/**
 * An export of the ledger. Its last line says how many lines there are, and continues the chain at both ends. Throws
 * `CommandError`, `BootError` and `StoreUnavailable`.
 */
export async function* audit(
  env: Readonly<Record<string, string | undefined>>,
  parameters: readonly string[],
): AsyncIterable<string> {
  const { from, to, tenant, record, ...others } = parseArgs({
    args: [...parameters],
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      tenant: { type: 'string' },
      record: { type: 'string' },
      format: { type: 'string', default: 'ndjson' },
      mode: { type: 'string' },
    },
  }).values;
  const format = exportFormats.find((each) => each === others.format);
  if (format === undefined) throw wrongUsage('--format must be ndjson or csv');
  const fromMs = from === undefined ? 0 : readTime('--from', from, 'begin');
  const toMs = to === undefined ? Number.MAX_SAFE_INTEGER : readTime('--to', to, 'end');
  const store = await openStore(env, readMode(others.mode));
  try {
    yield* toHeading(format);
    const of = await store.chainBefore(fromMs);
    let count = 0;
    let [seq, chain] = ['', ''];
    for await (const line of store.ledger(fromMs, toMs)) {
      if (tenant !== undefined && line['tenantId'] !== tenant) continue;
      if (record !== undefined && line['recordId'] !== record) continue;
      count += 1;
      [seq, chain] = [line['seq'] ?? '', line['chain'] ?? ''];
      yield toExportLine(format, line);
    }
    const isWhole = tenant === undefined && record === undefined;
    const end = {
      at: new Date().toISOString(),
      kind: exportEnd,
      status: isWhole ? 'whole' : 'filtered',
      count: String(count),
      ...(of === null ? {} : { of }),
      ...{ seq, chain },
    };
    yield toExportLine(format, { ...end, seal: store.seal(end) });
  } finally {
    store.close();
  }
}

/** Throws `CommandError`. */
export function readMode(mode: string | undefined): string | undefined {
  if (mode !== undefined && mode !== 'live' && mode !== 'sandbox') {
    throw wrongUsage('--mode must be live or sandbox');
  }
  return mode;
}
