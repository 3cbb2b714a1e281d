import type { ApolloServerPlugin } from '@apollo/server';
import type { GraphqlContext } from '../context.ts';

const mostErrors = 10;

/**
 * A document with a thousand mistakes need not be told them all. Errors of fields are: each says
 * that a null is no answer, and a gateway finds it by its path.
 */
export const listSomeErrors: ApolloServerPlugin<GraphqlContext> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ response: { body } }) => {
      if (body.kind !== 'single' || body.singleResult.data !== undefined) return;
      const { errors } = body.singleResult;
      if (errors) body.singleResult.errors = errors.slice(0, mostErrors);
    },
  }),
};
