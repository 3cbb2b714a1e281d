import { coerceInputValue, GraphQLError, isInputType, Kind, typeFromAST } from 'graphql';
import { coercedVariables } from '../coerced-variables.ts';
import type { ResolvedOperation } from './operation-events.ts';

/** The maximum number of listed paths. A list may have a thousand wrong entries. */
const mostPlaces = 50;

/**
 * Refuses variables that do not fit their types, and lists the path of each: `input.subject.idNumber`.
 *
 * The message of graphql-js repeats the value, so it is masked. Without the paths the caller would not know
 * what is wrong. A path consists of names from the schema and list positions only.
 */
export function nameWrongVariables({ request, operation, schema }: ResolvedOperation): void {
  if (!operation) return;
  const asked = { schema, operation, variables: request.variables };
  if (coercedVariables(request, asked)) return;
  const wrong: string[] = [];
  for (const definition of operation.variableDefinitions ?? []) {
    const type = typeFromAST(schema, definition.type);
    if (!type || !isInputType(type)) continue;
    const name = definition.variable.name.value;
    const value = request.variables?.[name];
    const isNeeded = definition.type.kind === Kind.NON_NULL_TYPE && !definition.defaultValue;
    if (value === undefined && !isNeeded) continue;
    try {
      coerceInputValue(value, type, (path) => {
        wrong.push([name, ...path].join('.'));
        if (wrong.length >= mostPlaces) throw new EnoughPlaces();
      });
    } catch (error) {
      if (!(error instanceof EnoughPlaces)) throw error;
      break;
    }
  }
  throw new GraphQLError('variables do not fit', {
    extensions: {
      code: 'BAD_USER_INPUT',
      variables: [...new Set(wrong)],
      http: { status: 400 },
    },
  });
}

/** Stops the search: a longer list would take time and not help. */
class EnoughPlaces extends Error {
  override readonly name = 'EnoughPlaces';
}
