import { getVariableValues, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';

type Values = Readonly<Record<string, unknown>>;

interface Asked {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  /** As they were sent. */
  readonly variables: Values | undefined;
}

const known = new WeakMap<object, Values | null>();

/**
 * The variables as they will be executed, including the operation's defaults. The request's own variables
 * lack those: `query ($n: Int = 100)` asks for a hundred.
 *
 * Null for variables that do not fit their types. The result is cached by `request`.
 */
export function coercedVariables(
  request: object,
  { schema, operation, variables }: Asked,
): Values | null {
  const before = known.get(request);
  if (before !== undefined) return before;
  const { coerced } = getVariableValues(
    schema,
    operation.variableDefinitions ?? [],
    { ...variables },
    // One error is enough: a list of a million wrong entries would produce a million errors.
    { maxErrors: 1 },
  );
  known.set(request, coerced ?? null);
  return coerced ?? null;
}
