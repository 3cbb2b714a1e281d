import { GraphQLError, Kind, type DocumentNode, type SelectionSetNode } from 'graphql';
import type { ResolvedOperation } from './operation-events.ts';

const chargeable: ReadonlySet<string> = new Set(['startVerification', 'checkBankCard']);

/**
 * Allows one chargeable field per operation: fifty aliases of a mutation in one document would be fifty
 * paid calls.
 */
export function allowOneChargeableField({ document, operation }: ResolvedOperation): void {
  if (!operation || createCount(document)(operation.selectionSet) <= 1) return;
  throw new GraphQLError('too many', { extensions: { code: 'TOO_MANY_CHARGEABLE_FIELDS' } });
}

/**
 * Counts a fragment once, however often it is spread: fragments that spread the next one twice would double
 * the work at each level. Validation has refused cycles before.
 */
function createCount(document: DocumentNode): (selections: SelectionSetNode) => number {
  const fragments = new Map<string, SelectionSetNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      fragments.set(definition.name.value, definition.selectionSet);
    }
  }
  const counted = new Map<string, number>();

  const countFragment = (name: string): number => {
    const known = counted.get(name);
    if (known !== undefined) return known;
    const selections = fragments.get(name);
    const count = selections ? countIn(selections) : 0;
    counted.set(name, count);
    return count;
  };
  const countIn = ({ selections }: SelectionSetNode): number =>
    selections.reduce((sum, selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return sum + countFragment(selection.name.value);
      if (selection.kind === Kind.INLINE_FRAGMENT) return sum + countIn(selection.selectionSet);
      return sum + (chargeable.has(selection.name.value) ? 1 : 0);
    }, 0);
  return countIn;
}
