import type { ApolloServerPlugin, GraphQLRequestListener } from '@apollo/server';
import type { Log } from '../../ports/index.ts';
import type { GraphqlContext } from '../context.ts';
import type { Subscriptions } from '../subscriptions/serve-subscriptions.ts';
import { allowOneChargeableField } from './allow-one-chargeable-field.ts';
import { answerLegacyClientsWith200 } from './answer-legacy-clients-with-200.ts';
import { limitWhatIsAsked } from './limit-what-is-asked.ts';
import { listSomeErrors } from './list-some-errors.ts';
import { logBugs } from './log-bugs.ts';
import { nameWrongVariables } from './name-wrong-variables.ts';
import type { ResolvedOperation } from './operation-events.ts';
import { refuseShedOperations } from './refuse-shed-operations.ts';
import { refuseSubscriptions } from './refuse-subscriptions.ts';
import { takeLargeImagesOnly } from './take-large-images-only.ts';

/** In this order, before an operation is executed. Each throws a `GraphQLError` for what it refuses. */
const checks: readonly ((operation: ResolvedOperation) => void)[] = [
  refuseShedOperations,
  allowOneChargeableField,
  nameWrongVariables,
  limitWhatIsAsked,
  takeLargeImagesOnly,
];

/**
 * All rules of this service for an operation and its response, as one plugin: each plugin costs a start about
 * fifteen promises in Apollo Server, whatever it does (5.5, 2026-11-26).
 */
export function operationPlugin(
  log: Log,
  subscriptions: Subscriptions | null,
): ApolloServerPlugin<GraphqlContext> {
  const checkSubscription = subscriptions?.check ?? refuseSubscriptions;
  const listener: GraphQLRequestListener<GraphqlContext> = {
    didResolveOperation: async (operation) => {
      checkSubscription(operation);
      for (const check of checks) check(operation);
    },
    ...(subscriptions ? { responseForOperation: subscriptions.respond } : {}),
    didEncounterErrors: async ({ errors }) => logBugs(log, errors),
    willSendResponse: async (sent) => {
      listSomeErrors(sent);
      answerLegacyClientsWith200(sent);
    },
  };
  return { requestDidStart: async () => listener };
}
