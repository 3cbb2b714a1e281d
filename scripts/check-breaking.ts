import { readFileSync, writeFileSync } from 'node:fs';
import { diff, CriticalityLevel } from '@graphql-inspector/core';
import { buildASTSchema, parse, type GraphQLSchema } from 'graphql';

// Compares the printed SDL with the one of the last release, and names what breaks the graph's
// consumers. With --release: what is printed now becomes the released one. Another SDL than the printed
// one may be named.
const isRelease = process.argv.includes('--release');
const named = process.argv.slice(2).find((argument) => !argument.startsWith('--'));
const printed = named ?? new URL('../schema/subgraph.graphql', import.meta.url);
const released = new URL('../schema/released.graphql', import.meta.url);

if (isRelease) writeFileSync(released, readFileSync(printed));

const changes = await diff(read(released), read(printed));
const breaking = changes.filter(
  ({ criticality }) => criticality.level === CriticalityLevel.Breaking,
);
const dangerous = changes.filter(
  ({ criticality }) => criticality.level === CriticalityLevel.Dangerous,
);
for (const { message } of dangerous) console.log(`may surprise: ${message}`);
for (const { message } of breaking) console.error(`breaks consumers: ${message}`);
if (breaking.length > 0) {
  console.error('Keep what consumers use, or release a new major version: npm run schema:release');
  process.exitCode = 1;
}

function read(path: URL | string): GraphQLSchema {
  // Federation's directives are the composer's to define.
  return buildASTSchema(parse(readFileSync(path, 'utf8')), { assumeValidSDL: true });
}
