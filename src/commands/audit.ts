import { parseArgs } from 'node:util';
import { openStore } from './open-store.ts';
import { readTime } from './read-time.ts';
import { wrongUsage } from './command-error.ts';

/** The columns of the CSV. A field that an entry does not have is empty. */
const columns = [
  ...['entry', 'at', 'kind', 'tenantId', 'recordId', 'providerId', 'channel', 'status', 'code'],
  ...['billing', 'chargedAttempts', 'evidence', 'callerHash'],
];

/** The lines of the audit. Throws `CommandError`, `BootError` and `StoreUnavailable`. */
export async function* audit(
  env: Readonly<Record<string, string | undefined>>,
  parameters: readonly string[],
): AsyncIterable<string> {
  const { from, to, tenant, record, format, mode } = parseArgs({
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
  if (format !== 'ndjson' && format !== 'csv') {
    throw wrongUsage('--format must be ndjson or csv');
  }
  const fromMs = from === undefined ? 0 : readTime('--from', from, 'begin');
  const toMs = to === undefined ? Number.MAX_SAFE_INTEGER : readTime('--to', to, 'end');
  const store = await openStore(env, readMode(mode));
  try {
    if (format === 'csv') yield columns.join(',');
    for await (const line of store.audit(fromMs, toMs)) {
      if (tenant !== undefined && line['tenantId'] !== tenant) continue;
      if (record !== undefined && line['recordId'] !== record) continue;
      yield format === 'csv'
        ? columns.map((name) => toCsv(line[name] ?? '')).join(',')
        : JSON.stringify(line);
    }
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

/** A text that begins like a formula gets an apostrophe, because spreadsheets would compute it. */
function toCsv(text: string): string {
  const harmless = /^[=+\-@\t\r]/u.test(text) ? `'${text}` : text;
  return /[",\r\n]/u.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
