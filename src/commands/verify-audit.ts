import { hash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { digestOf } from '../infra/redis/ledger-pairs.ts';
import { CommandError, wrongUsage } from './command-error.ts';
import { exportEnd, readExport } from './ledger-export.ts';

type Texts = Readonly<Record<string, string>>;

/** How far the chain was followed. */
interface Followed {
  readonly seq: number;
  readonly chain: string;
}

/**
 * Says whether an export of the ledger is as it was written: which lines were changed, and where lines are missing. Ends
 * with a `CommandError` if one is not.
 */
export async function* verifyAudit(parameters: readonly string[]): AsyncIterable<string> {
  const { positionals } = parseArgs({ args: [...parameters], allowPositionals: true, options: {} });
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) throw wrongUsage('give one file');
  const lines: { readonly number: number; readonly line: Texts }[] = [];
  let end: Texts | null = null;
  for await (const { number, line } of readExport(path)) {
    if (line['kind'] === exportEnd) end = line;
    else lines.push({ number, line });
  }
  if (end?.['status'] === 'filtered') {
    throw new CommandError(
      'This export is of one tenant or one record. Only an export of all entries can be verified.',
      1,
    );
  }
  let mistakes = 0;
  let known: Followed | null = end ? toStart(lines[0]?.line, end) : null;
  for (const { number, line } of lines) {
    const mistake = mistakeOf(line, known);
    if (mistake !== null) {
      mistakes += 1;
      yield `line ${number}, entry ${line['entry'] ?? 'without id'}: ${mistake}`;
    }
    if (line['chain'] !== undefined) {
      known = { seq: Number(line['seq']), chain: line['chain'] };
    }
  }
  for (const mistake of mistakesOfEnd(end, lines.length, known)) {
    mistakes += 1;
    yield mistake;
  }
  if (mistakes > 0) {
    throw new CommandError(`This is not what was exported: ${mistakes} mistakes.`, 1);
  }
  const [first] = lines;
  const isOpen = first && first.line['chain'] !== undefined && !isFirst(first.line) && !end?.['of'];
  if (isOpen)
    yield 'The entry before the first one is not kept, so the content of the first cannot be verified.';
  const unchained = lines.filter(({ line }) => line['chain'] === undefined).length;
  if (unchained > 0) yield `${unchained} entries are from before the chain.`;
  yield `${lines.length} entries are as they were written. The last chain is ${known?.chain ?? 'none'}.`;
}

/** What the first entry of the export must continue. Null if that is not known. */
function toStart(first: Texts | undefined, end: Texts): Followed | null {
  return first?.['chain'] && end['of'] ? { seq: Number(first['seq']) - 1, chain: end['of'] } : null;
}

function isFirst(line: Texts): boolean {
  return line['seq'] === '1';
}

function mistakeOf(line: Texts, followed: Followed | null): string | null {
  const { chain, seq } = line;
  const known = followed ?? (isFirst(line) ? { seq: 0, chain: '' } : null);
  // Earlier builds wrote entries without a chain. None comes after the first with one.
  if (chain === undefined) return known === null ? null : 'it does not belong here';
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
