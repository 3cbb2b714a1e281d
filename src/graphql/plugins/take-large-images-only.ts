import {
  GraphQLError,
  Kind,
  valueFromASTUntyped,
  type DocumentNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import type { Registry } from '../../core/upstream/registry.ts';
import { coercedVariables } from '../coerced-variables.ts';
import type { ResolvedOperation } from './operation-events.ts';

/** Enough for every request without an image. */
const ordinaryBytes = 256 * 1024;

/**
 * A request may be large only because of the images of a start: `referenceImage`, and what channels declare
 * in `imageOptions`.
 */
export function takeLargeImagesOnly({
  schema,
  document,
  operation,
  request,
  contextValue,
}: ResolvedOperation): void {
  const { bodyBytes, core } = contextValue;
  if (bodyBytes <= ordinaryBytes || !operation) return;
  const asked = { schema, operation, variables: request.variables };
  const variables = coercedVariables(request, asked) ?? {};
  const images = inputsOf(document, operation).map((input) =>
    imagesLength(valueFromASTUntyped(input, variables), core.registry),
  );
  if (bodyBytes - Math.max(0, ...images) <= ordinaryBytes) return;
  throw new GraphQLError('only an image may be so large', {
    extensions: { code: 'PAYLOAD_TOO_LARGE', http: { status: 413 } },
  });
}

/** The inputs of all starts. Each fragment is visited once, however often it is spread. */
function inputsOf({ definitions }: DocumentNode, operation: OperationDefinitionNode): ValueNode[] {
  const fragments = new Map(
    definitions.flatMap((each) =>
      each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each] as const] : [],
    ),
  );
  const inputsIn = ({ selections }: SelectionSetNode): ValueNode[] =>
    selections.flatMap((selection) => {
      if (selection.kind === Kind.INLINE_FRAGMENT) return inputsIn(selection.selectionSet);
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(selection.name.value);
        fragments.delete(selection.name.value);
        return fragment ? inputsIn(fragment.selectionSet) : [];
      }
      if (selection.name.value !== 'startVerification') return [];
      return (selection.arguments ?? []).map(({ value }) => value);
    });
  return inputsIn(operation.selectionSet);
}

function imagesLength(input: unknown, { all }: Registry): number {
  const options = memberOf(input, 'options');
  const channels = all.flatMap(({ definition }) => Object.values(definition.channels));
  // Channels with the same options field share its members.
  const fields = new Map<string, Set<string>>();
  for (const { optionsField, imageOptions = [] } of channels) {
    if (optionsField === null) continue;
    const known = fields.get(optionsField) ?? new Set();
    fields.set(optionsField, new Set([...known, ...imageOptions]));
  }
  const images = [...fields].flatMap(([field, names]) =>
    [...names].map((name) => memberOf(memberOf(options, field), name)),
  );
  // Each value counts once, even if one variable is used in several places.
  return [...new Set([memberOf(input, 'referenceImage'), ...images])]
    .map(lengthOf)
    .reduce((sum, each) => sum + each, 0);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : 0;
}
