import { readFileSync, writeFileSync } from 'node:fs';
import { printSubgraphSdl } from '../src/graphql/print-subgraph-sdl.ts';
import { loadProviders } from '../src/boot/load-providers.ts';

// Prints the subgraph's SDL, the one to publish to a registry, with the providers that PROVIDERS names.
// With --check: says whether the printed one is current, and changes nothing.
const target = new URL('../schema/subgraph.graphql', import.meta.url);
const note = '# Printed by `npm run schema:print` from schema/ and the providers. Do not edit.\n\n';

const printed = `${note}${printSubgraphSdl(await loadProviders(process.env))}`;

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== printed) {
    console.error('schema/subgraph.graphql is not current. Run: npm run schema:print');
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, printed);
}
