import { GraphQLError, Kind } from 'graphql';
import type { ResolvedOperation } from './operation-events.ts';

/** The fields that can return `OVERLOADED` as a problem. */
const canSayIt: ReadonlySet<string> = new Set(['startVerification', 'checkBankCard', '__typename']);

/** A shed operation does no work. If a field has no problem type for that, the operation gets an error. */
export function refuseShedOperations({ operation, contextValue }: ResolvedOperation): void {
  if (contextValue.admitted !== 'shed' || !operation) return;
  const isData = operation.selectionSet.selections.every(
    (selection) => selection.kind === Kind.FIELD && canSayIt.has(selection.name.value),
  );
  if (isData) return;
  throw new GraphQLError('too much at once', {
    extensions: { code: 'SERVICE_UNAVAILABLE', http: { status: 503 } },
  });
}
