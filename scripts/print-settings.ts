import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { settingsTable } from '../src/boot/settings-table.ts';

// Writes the table of settings into docs/settings.md. With --check: fails unless it is current.
const page = fileURLToPath(new URL('../docs/settings.md', import.meta.url));
const [start, end] = ['<!-- settings:start -->', '<!-- settings:end -->'];

const current = readFileSync(page, 'utf8');
const [before, rest] = current.split(start);
const after = rest?.split(end)[1];
if (before === undefined || after === undefined)
  throw new Error(`${page} has no ${start} … ${end}`);
const printed = await format(`${before}${start}\n\n${settingsTable()}\n\n${end}${after}`, {
  ...(await resolveConfig(page)),
  parser: 'markdown',
});

if (!process.argv.includes('--check')) writeFileSync(page, printed);
else if (current !== printed) {
  console.error('docs/settings.md is not current. Run: npm run settings:print');
  process.exitCode = 1;
}
