import { coerceInputValue, GraphQLError, isInputType, Kind, typeFromAST } from 'graphql';
import { explainWrongVariable, type WrongVariable } from '../explain-wrong-variable.ts';
import { coercedVariables } from '../coerced-variables.ts';
import type { ResolvedOperation } from './operation-events.ts';

/** The maximum number of listed paths. A list may have a thousand wrong entries. */
const mostPlaces = 50;

/**
 * Refuses variables that do not fit their types, and says of each where it is and what is wrong:
 * `input.idempotencyKey is required`. The message of graphql-js repeats the value, so it is masked.
 */
export function nameWrongVariables({ request, operation, schema }: ResolvedOperation): void {
  if (!operation) return;
  const asked = { schema, operation, variables: request.variables };
  if (coercedVariables(request, asked)) return;
  const wrong: WrongVariable[] = [];
  for (const definition of operation.variableDefinitions ?? []) {
    const type = typeFromAST(schema, definition.type);
    if (!type || !isInputType(type)) continue;
    const name = definition.variable.name.value;
    const value = request.variables?.[name];
    const isNeeded = definition.type.kind === Kind.NON_NULL_TYPE && !definition.defaultValue;
    if (value === undefined && !isNeeded) continue;
    try {
      coerceInputValue(value, type, (path, wrongValue, error) => {
        const place = [name, ...path].join('.');
        wrong.push(explainWrongVariable(error, { path: place, value: wrongValue, schema }));
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
      variables: [...new Set(wrong.map(({ path }) => path))],
      fields: wrong,
      http: { status: 400 },
    },
  });
}

/** Stops the search: a longer list would take time and not help. */
class EnoughPlaces extends Error {
  override readonly name = 'EnoughPlaces';
}
