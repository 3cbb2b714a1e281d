import type { ApolloServerPlugin } from '@apollo/server';
import Negotiator from 'negotiator';
import type { GraphqlContext } from '../context.ts';

const types = ['application/json', 'application/graphql-response+json'];

/**
 * Answers 200 to clients that prefer application/json: so asks the GraphQL-over-HTTP draft, and a
 * gateway would turn a 400 into an opaque error of its own. What was too large stays 413.
 */
export const answerLegacyClientsWith200: ApolloServerPlugin<GraphqlContext> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ request, response }) => {
      // As Apollo chooses the media type of the answer.
      const accept = request.http?.headers.get('accept') ?? '';
      const negotiator = new Negotiator({ headers: { accept } });
      const isLegacy = accept === '' || negotiator.mediaType(types) !== types[1];
      const { status } = response.http;
      if (isLegacy && status !== undefined && status !== 413) response.http.status = 200;
    },
  }),
};
