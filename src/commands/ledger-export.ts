import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parse } from 'csv-parse';
import type { LedgerLine } from '../infra/redis/read-redis-ledger.ts';
import { ledgerFields } from '../ports/index.ts';
import { CommandError } from './command-error.ts';

/** A line of an export, and its number in the file. */
export interface ExportedLine {
  readonly number: number;
  readonly line: Readonly<Record<string, string>>;
}

/** The columns of the CSV. A field that an entry does not have is empty. */
const columns = ['entry', 'at', 'kind', ...ledgerFields, 'seq', 'chain', 'seal'] as const;

/** The `kind` of the last line of an export. It is no entry. */
export const exportEnd = 'export_end';

export const exportFormats = ['ndjson', 'csv'] as const;

export type ExportFormat = (typeof exportFormats)[number];

/** The heading of an export, if its format has one. */
export function toHeading(format: ExportFormat): readonly string[] {
  return format === 'csv' ? [columns.join(',')] : [];
}

export function toExportLine(
  format: ExportFormat,
  line: LedgerLine | Readonly<Record<string, string>>,
): string {
  const texts: Readonly<Record<string, string>> = line;
  return format === 'csv'
    ? columns.map((name) => toCsv(texts[name] ?? '')).join(',')
    : JSON.stringify(texts);
}

/** The lines of an export in either format. Throws `CommandError` for a file that cannot be read. */
export async function* readExport(path: string): AsyncIterable<ExportedLine> {
  const file = await open(path).catch(() => {
    throw new CommandError('The file cannot be read.', 1);
  });
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, 0);
  await file.close();
  const isCsv = bytesRead === 1 && buffer.toString('latin1') !== '{';
  yield* isCsv ? readCsv(path) : readNdjson(path);
}

async function* readNdjson(path: string): AsyncIterable<ExportedLine> {
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(path) })) {
    number += 1;
    if (text !== '') yield { number, line: toTexts(text, number) };
  }
}

function toTexts(text: string, number: number): Readonly<Record<string, string>> {
  try {
    const parsed: unknown = JSON.parse(text);
    const entries = Object.entries(Object(parsed));
    return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
  } catch {
    throw new CommandError(`Line ${number} is no JSON.`, 1);
  }
}

async function* readCsv(path: string): AsyncIterable<ExportedLine> {
  const rows = createReadStream(path).pipe(parse({ columns: true, info: true, bom: true }));
  try {
    for await (const { record, info } of rows as AsyncIterable<CsvRow>) {
      const told = Object.entries(record).filter(([, text]) => text !== '');
      const line = Object.fromEntries(told.map(([name, text]) => [name, fromCsv(text)]));
      yield { number: info.lines, line };
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError('The file is no CSV.', 1);
  }
}

interface CsvRow {
  readonly record: Readonly<Record<string, string>>;
  readonly info: { readonly lines: number };
}

/** A text that begins like a formula gets an apostrophe, because spreadsheets would compute it. */
export function toCsv(text: string): string {
  const harmless = /^[=+\-@\t\r]/u.test(text) ? `'${text}` : text;
  return /[",\r\n]/u.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function fromCsv(text: string): string {
  return /^'[=+\-@\t\r]/u.test(text) ? text.slice(1) : text;
}
