import type { ApolloServerPlugin } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import type { Log } from '../../ports/index.ts';
import { logBug } from '../../core/log-bug.ts';
import type { GraphqlContext } from '../context.ts';
import { isBug } from '../mask-error.ts';

/** Logs unexpected errors, without their messages. */
export function logBugs(log: Log): ApolloServerPlugin<GraphqlContext> {
  return {
    requestDidStart: async () => ({
      didEncounterErrors: async ({ errors }) => {
        for (const error of errors) {
          if (isBug(error)) logBug(log, 'graphql', unwrapResolverError(error));
        }
      },
    }),
  };
}
