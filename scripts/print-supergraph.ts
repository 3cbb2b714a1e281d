import { writeFileSync } from 'node:fs';
import { composeServices } from '@apollo/composition';
import { gql } from 'graphql-tag';
import { builtInProviders } from '../providers/index.ts';
import { printSubgraphSdl } from '../src/graphql/print-subgraph-sdl.ts';

// Writes a supergraph of this subgraph alone, for deploy/compose.yaml:
//
//   node scripts/print-supergraph.ts http://service:4001/graphql supergraph.graphql

const [url, path] = process.argv.slice(2);
if (url === undefined || path === undefined) throw new Error('give a URL and a file');
const typeDefs = gql(printSubgraphSdl(builtInProviders));
const { supergraphSdl, errors } = composeServices([{ name: 'verification', url, typeDefs }]);
if (supergraphSdl === undefined) {
  throw new Error(errors?.map(({ message }) => message).join('\n') ?? 'no supergraph');
}
writeFileSync(path, supergraphSdl);
