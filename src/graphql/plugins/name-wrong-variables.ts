import type { ApolloServerPlugin } from '@apollo/server';
import { coerceInputValue, GraphQLError, isInputType, Kind, typeFromAST } from 'graphql';
import type { GraphqlContext } from '../context.ts';

/** A list of a thousand wrong entries need not be told in full. */
const mostPlaces = 50;

/**
 * Refuses variables that don't fit, naming every place: `input.subject.idNumber`.
 *
 * graphql-js would repeat the value in its message, which is masked; without this the caller would
 * learn nothing. A place is made of names of the schema and of list positions only.
 */
export const nameWrongVariables: ApolloServerPlugin<GraphqlContext> = {
  requestDidStart: async () => ({
    didResolveOperation: async ({ request, operation, schema }) => {
      const wrong: string[] = [];
      for (const definition of operation?.variableDefinitions ?? []) {
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
      if (wrong.length === 0) return;
      throw new GraphQLError('variables do not fit', {
        extensions: {
          code: 'BAD_USER_INPUT',
          variables: [...new Set(wrong)],
          http: { status: 400 },
        },
      });
    },
  }),
};

/** Looking further would take long, and tell nobody more. */
class EnoughPlaces extends Error {
  override readonly name = 'EnoughPlaces';
}
