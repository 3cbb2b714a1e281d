import { hash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { digestOf } from '../infra/redis/ledger-pairs.ts';
import { CommandError, wrongUsage } from './command-error.ts';
import { isSealOf, readSealKeys } from './export-seal.ts';
import { exportEnd, readExport } from './ledger-export.ts';

type Texts = Readonly<Record<string, string>>;

/** How far the chain was followed. */
interface Followed {
  readonly seq: number;
  readonly chain: string;
}

/**
 * Says whether an export of the ledger is as it was written: which lines were changed, and where lines are missing. Ends
 * with a `CommandError` if one is not. `STORE_HASH_KEYS` of the service proves the last line too.
 */
export async function* verifyAudit(
  env: Readonly<Record<string, string | undefined>>,
  parameters: readonly string[],
): AsyncIterable<string> {
  const { positionals, values } = parseArgs({
    args: [...parameters],
    allowPositionals: true,
    options: { unsealed: { type: 'boolean', default: false } },
  });
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) throw wrongUsage('give one file');
  const keys = values.unsealed ? null : readSealKeys(env);

  let mistakes = 0;
  let count = 0;
  let end: Texts | null = null;
  let first: { readonly number: number; readonly line: Texts } | null = null;
  let known: Followed | null = null;
  for await (const { number, line } of readExport(path)) {
    if (line['kind'] === exportEnd) {
      end = line;
      continue;
    }
    count += 1;
    if (count === 1 && !isFirst(line)) first = { number, line };
    const mistake = end ? 'it comes after the end' : mistakeOf(line, known);
    if (mistake !== null) {
      mistakes += 1;
      yield about(number, line, mistake);
    }
    if (line['chain'] !== undefined) known = { seq: Number(line['seq']), chain: line['chain'] };
  }
  if (end?.['status'] === 'filtered') {
    throw new CommandError(
      'This export is of one tenant or one record. Only an export of all entries can be verified.',
      1,
    );
  }
  // What the first line continues is in the last one.
  const start = first && end?.['of'] ? toStart(first.line, end['of']) : null;
  const mistake = first && start ? mistakeOf(first.line, start) : null;
  const ofEnd = [...mistakesOfEnd(end, count, known)];
  if (first && mistake !== null) yield about(first.number, first.line, mistake);
  if (end && keys && !isSealOf(keys, end)) ofEnd.push('The last line was changed, or has no seal.');
  yield* ofEnd;
  mistakes += ofEnd.length + (mistake === null ? 0 : 1);
  if (mistakes > 0) {
    throw new CommandError(`This is not what was exported: ${mistakes} mistakes.`, 1);
  }
  if (first && !start) {
    yield 'The entry before the first one is not kept, so the content of the first is not verified.';
  }
  if (!keys) {
    yield 'The last line is not verified, without its key. Compare its chain with one that you know.';
  }
  yield `${count} entries are as they were written. The last chain is ${known?.chain ?? 'none'}.`;
}

function about(number: number, line: Texts, mistake: string): string {
  return `line ${number}, entry ${line['entry'] ?? 'without id'}: ${mistake}`;
}

function toStart(first: Texts, chain: string): Followed {
  return { seq: Number(first['seq']) - 1, chain };
}

function isFirst(line: Texts): boolean {
  return line['seq'] === '1';
}

function mistakeOf(line: Texts, followed: Followed | null): string | null {
  const { chain, seq } = line;
  if (chain === undefined) return 'it has no chain, so it cannot be verified';
  const known = followed ?? (isFirst(line) ? { seq: 0, chain: '' } : null);
  if (known === null) return null;
  if (seq === '1' && known.seq > 0) return 'a new ledger begins here: Redis had lost its data';
  if (Number(seq) !== known.seq + 1) {
    return `the entries after number ${known.seq} and before number ${seq ?? ''} are missing`;
  }
  const digest = digestOf(JSON.stringify(toPairs(line)));
  const expected = hash('sha1', `${known.chain} ${line['entry'] ?? ''} ${seq} ${digest}`, 'hex');
  return expected === chain ? null : 'it was changed';
}

function* mistakesOfEnd(
  end: Texts | null,
  count: number,
  known: Followed | null,
): Iterable<string> {
  if (!end) {
    yield 'The end is missing: an export ends with a line of the kind export_end.';
    return;
  }
  if (Number(end['count']) !== count) {
    yield `The end says ${end['count'] ?? 'no'} entries, and there are ${count}.`;
  }
  if ((end['chain'] ?? '') !== (known?.chain ?? ''))
    yield 'The end does not follow the last entry.';
}

/** As `toLedgerPairs` wrote them. */
function toPairs({
  entry: _entry,
  seq: _seq,
  chain: _chain,
  ...content
}: Texts): readonly string[] {
  return Object.entries(content).flat();
}
