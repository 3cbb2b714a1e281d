import { Kind, parse, type DocumentNode, type FragmentDefinitionNode } from 'graphql';
import * as operations from '../src/client/operations.ts';

/** For codegen.yml: the operations of src/client/operations.ts as one document, with each fragment once. */
// Codegen loads the default export.
// oxlint-disable-next-line import/no-default-export
export default function loadClientOperations(): DocumentNode {
  const all = Object.values(operations).flatMap((text) => parse(text).definitions);
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of all)
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
  const own = all.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  return { kind: Kind.DOCUMENT, definitions: [...own, ...fragments.values()] };
}
