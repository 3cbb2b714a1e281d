import { GraphQLError } from 'graphql';

/**
 * The id of an entity's representation. A gateway sends whatever another subgraph gave it, so its
 * type is not to be trusted. Throws what nulls that entity alone.
 */
export function referenceId(reference: { readonly id?: unknown }): string {
  if (typeof reference.id === 'string' && reference.id !== '') return reference.id;
  throw new GraphQLError('a representation without an id', {
    extensions: { code: 'BAD_USER_INPUT' },
  });
}
