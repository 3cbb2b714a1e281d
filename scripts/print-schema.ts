import { readFileSync, writeFileSync } from 'node:fs';
import {
  graphqlSync,
  Kind,
  parse,
  print,
  visit,
  type DefinitionNode,
  type DocumentNode,
} from 'graphql';
import { builtInProviders } from '../providers/index.ts';
import { assembleSchema } from '../src/graphql/assemble-schema.ts';

// Prints the subgraph's SDL, the one to publish to a registry. With --check: says whether the
// printed one is current, and changes nothing.
const target = new URL('../schema/subgraph.graphql', import.meta.url);
const note = '# Printed by `npm run schema:print` from schema/ and the providers. Do not edit.\n\n';

const answer = graphqlSync({
  schema: assembleSchema(builtInProviders, {}),
  source: '{ _service { sdl } }',
});
const service = answer.data?.['_service'] as { readonly sdl: string } | undefined;
const sdl = service?.sdl ?? '';
const printed = `${note}${print(withoutFederationMachinery(sdl))}\n`;

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== printed) {
    console.error('schema/subgraph.graphql is not current. Run: npm run schema:print');
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, printed);
}

/** Composers add it themselves from the @link; it would only hide what is ours. */
function withoutFederationMachinery(text: string): DocumentNode {
  const isMachinery = (name: string): boolean =>
    /^(?:_|link__|federation__)/u.test(name) || ['link', 'key', 'shareable', 'tag'].includes(name);
  const document = visit(parse(text, { noLocation: true }), {
    FieldDefinition: (node) => (isMachinery(node.name.value) ? null : undefined),
  });
  const definitions = document.definitions.filter(
    (node: DefinitionNode) =>
      !('name' in node && node.name && isMachinery(node.name.value)) &&
      !(node.kind === Kind.OBJECT_TYPE_EXTENSION && node.fields?.length === 0),
  );
  return { ...document, definitions };
}
