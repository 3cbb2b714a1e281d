import type { ApolloServerPlugin } from '@apollo/server';
import type { GraphqlContext } from '../context.ts';

const mostErrors = 10;
/** As many as there may be references. */
const mostFieldErrors = 1000;

/**
 * A document with a thousand mistakes need not be told them all. Errors of fields are: each says that a
 * null is no answer, and a gateway finds it by its path. With too many of them there is no answer at
 * all, since nobody could tell its nulls apart.
 */
export const listSomeErrors: ApolloServerPlugin<GraphqlContext> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ response: { body } }) => {
      if (body.kind !== 'single') return;
      const { errors, data } = body.singleResult;
      if (!errors || (data !== undefined && errors.length <= mostFieldErrors)) return;
      body.singleResult = { errors: errors.slice(0, mostErrors) };
    },
  }),
};
