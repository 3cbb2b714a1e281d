import type { ApolloServerPlugin } from '@apollo/server';
import { GraphQLError, Kind, type DocumentNode, type SelectionSetNode } from 'graphql';
import type { GraphqlContext } from '../context.ts';

const chargeable: ReadonlySet<string> = new Set(['startVerification', 'checkBankCard']);

/** Fifty aliases of a paid mutation in one document would be fifty paid calls: one is allowed. */
export const allowOneChargeableField: ApolloServerPlugin<GraphqlContext> = {
  requestDidStart: async () => ({
    didResolveOperation: async ({ document, operation }) => {
      if (!operation || countChargeable(document, operation.selectionSet) <= 1) return;
      throw new GraphQLError('too many', { extensions: { code: 'TOO_MANY_CHARGEABLE_FIELDS' } });
    },
  }),
};

/** Validation has refused cycles of fragments before. */
function countChargeable(document: DocumentNode, { selections }: SelectionSetNode): number {
  let count = 0;
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) {
      if (chargeable.has(selection.name.value)) count += 1;
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      count += countChargeable(document, selection.selectionSet);
    } else {
      const fragment = document.definitions.find(
        (definition) =>
          definition.kind === Kind.FRAGMENT_DEFINITION &&
          definition.name.value === selection.name.value,
      );
      if (fragment?.kind === Kind.FRAGMENT_DEFINITION) {
        count += countChargeable(document, fragment.selectionSet);
      }
    }
  }
  return count;
}
