import { badUserInput } from './cursor.ts';

/**
 * The id of an entity reference. A gateway passes on references from other subgraphs, so the type is
 * checked. Throws an error that nulls that entity only.
 */
export function referenceId(reference: { readonly id?: unknown }): string {
  if (typeof reference.id === 'string' && reference.id !== '') return reference.id;
  throw badUserInput('representations.id', 'must be a text that is not empty');
}
