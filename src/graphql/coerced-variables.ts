import { getVariableValues, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';

type Values = Readonly<Record<string, unknown>>;

interface Asked {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  /** As they came. */
  readonly variables: Values | undefined;
}

const nothing: Values = {};
const known = new WeakMap<object, Values>();

/**
 * The variables as they will be executed: defaults of the operation included. What came with a request says
 * nothing about those: `query ($n: Int = 100)` asks for a hundred.
 *
 * Nothing for variables that do not fit, which are refused elsewhere. `request` is what they are remembered by.
 */
export function coercedVariables(request: object, { schema, operation, variables }: Asked): Values {
  const before = known.get(request);
  if (before) return before;
  const { coerced } = getVariableValues(
    schema,
    operation.variableDefinitions ?? [],
    { ...variables },
    // One error says enough: a list of a million wrong entries would make a million.
    { maxErrors: 1 },
  );
  known.set(request, coerced ?? nothing);
  return coerced ?? nothing;
}
