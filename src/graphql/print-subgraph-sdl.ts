import {
  graphqlSync,
  Kind,
  parse,
  print,
  visit,
  type DefinitionNode,
  type DocumentNode,
} from 'graphql';
import type { AnyProvider } from '../contract/index.ts';
import { assembleSchema } from './assemble-schema.ts';

/** The subgraph's SDL with these providers, to publish to a registry. Throws `BootError`. */
export function printSubgraphSdl(definitions: readonly AnyProvider[]): string {
  const answer = graphqlSync({
    schema: assembleSchema(definitions, {}),
    source: '{ _service { sdl } }',
  });
  const service = answer.data?.['_service'] as { readonly sdl: string } | undefined;
  return `${print(withoutFederationMachinery(service?.sdl ?? ''))}\n`;
}

/**
 * Composers add these definitions themselves because of the @link. Printed, they would only hide the
 * subgraph's own.
 */
function withoutFederationMachinery(text: string): DocumentNode {
  const parsed = parse(text, { noLocation: true });
  const imported = importedNames(parsed);
  const isMachinery = (name: string): boolean =>
    /^(?:_|link__|federation__)/u.test(name) || imported.has(name);
  const document = visit(parsed, {
    FieldDefinition: (node) => (isMachinery(node.name.value) ? null : undefined),
  });
  const definitions = document.definitions.filter(
    (node: DefinitionNode) =>
      !('name' in node && node.name && isMachinery(node.name.value)) &&
      !(node.kind === Kind.OBJECT_TYPE_EXTENSION && node.fields?.length === 0),
  );
  return { ...document, definitions };
}

/** The directives that the @link imports, and @link itself. */
function importedNames(document: DocumentNode): ReadonlySet<string> {
  const names = new Set(['link']);
  visit(document, {
    Directive: ({ name, arguments: given = [] }) => {
      const imports = given.find((argument) => argument.name.value === 'import')?.value;
      if (name.value !== 'link' || imports?.kind !== Kind.LIST) return;
      for (const each of imports.values) {
        if (each.kind === Kind.STRING) names.add(each.value.replace(/^@/u, ''));
      }
    },
  });
  return names;
}
