import type { ApolloServerPlugin } from '@apollo/server';
import type { GraphqlContext } from '../context.ts';

/**
 * Answers 200 to clients that do not name application/graphql-response+json: so asks the
 * GraphQL-over-HTTP draft, and a gateway would turn a 400 into an opaque error of its own.
 */
export const answerLegacyClientsWith200: ApolloServerPlugin<GraphqlContext> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ request, response }) => {
      const accept = request.http?.headers.get('accept') ?? '';
      if (accept.includes('application/graphql-response+json')) return;
      if (response.http.status !== undefined) response.http.status = 200;
    },
  }),
};
