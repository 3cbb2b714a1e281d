import type { ApolloServerPlugin } from '@apollo/server';
import { coerceInputValue, GraphQLError, isInputType, Kind, typeFromAST } from 'graphql';
import type { GraphqlContext } from '../context.ts';

/**
 * Refuses variables that don't fit, naming the place: `input.subject.idNumber`.
 *
 * graphql-js would repeat the value in its message, which is masked; without this the caller would
 * learn nothing. The place is made of names of the schema and of list positions only.
 */
export const nameWrongVariables: ApolloServerPlugin<GraphqlContext> = {
  requestDidStart: async () => ({
    didResolveOperation: async ({ request, operation, schema }) => {
      for (const { variable, type: typeNode, defaultValue } of operation?.variableDefinitions ??
        []) {
        const type = typeFromAST(schema, typeNode);
        if (!type || !isInputType(type)) continue;
        const name = variable.name.value;
        const value = request.variables?.[name];
        if (value === undefined && (defaultValue || typeNode.kind !== Kind.NON_NULL_TYPE)) continue;
        coerceInputValue(value, type, (path) => {
          throw new GraphQLError('a variable does not fit', {
            extensions: {
              code: 'BAD_USER_INPUT',
              variable: [name, ...path].join('.'),
              http: { status: 400 },
            },
          });
        });
      }
    },
  }),
};
