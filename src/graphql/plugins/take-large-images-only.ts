import type { ApolloServerPlugin } from '@apollo/server';
import {
  GraphQLError,
  Kind,
  type DocumentNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import type { GraphqlContext } from '../context.ts';

/** Enough for everything but an image. */
const ordinaryBytes = 256 * 1024;

/** A request may be large by the `referenceImage` of a start, and by nothing else. */
export const takeLargeImagesOnly: ApolloServerPlugin<GraphqlContext> = {
  requestDidStart: async () => ({
    didResolveOperation: async ({ document, operation, request, contextValue: { bodyBytes } }) => {
      if (bodyBytes <= ordinaryBytes || !operation) return;
      const variables = request.variables ?? {};
      const images = inputsOf(document, operation).map((input) => imageLength(input, variables));
      if (bodyBytes - Math.max(0, ...images) <= ordinaryBytes) return;
      throw new GraphQLError('only an image may be so large', {
        extensions: { code: 'PAYLOAD_TOO_LARGE', http: { status: 413 } },
      });
    },
  }),
};

/** What starts are given. Each fragment is looked at once, however often it is spread. */
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

function imageLength(input: ValueNode, variables: Readonly<Record<string, unknown>>): number {
  if (input.kind === Kind.VARIABLE) {
    const given = variables[input.name.value] as { readonly referenceImage?: unknown } | null;
    return lengthOf(given?.referenceImage);
  }
  if (input.kind !== Kind.OBJECT) return 0;
  const image = input.fields.find(({ name }) => name.value === 'referenceImage')?.value;
  if (image?.kind === Kind.STRING) return image.value.length;
  return image?.kind === Kind.VARIABLE ? lengthOf(variables[image.name.value]) : 0;
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : 0;
}
