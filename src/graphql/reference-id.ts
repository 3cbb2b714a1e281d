import { GraphQLError } from 'graphql';

/**
 * The id of an entity reference. A gateway passes on references from other subgraphs, so the type is
 * checked. Throws an error that nulls that entity only.
 */
export function referenceId(reference: { readonly id?: unknown }): string {
  if (typeof reference.id === 'string' && reference.id !== '') return reference.id;
  throw new GraphQLError('a representation without an id', {
    extensions: { code: 'BAD_USER_INPUT' },
  });
}
