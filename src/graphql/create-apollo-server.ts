import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import type { GraphQLSchema } from 'graphql';
import type { Log } from '../ports/index.ts';
import type { GraphqlContext } from './context.ts';
import { createDocumentStore } from './document-store.ts';
import { limitRules, limits } from './limits.ts';
import { maskError } from './mask-error.ts';
import { allowOneChargeableField } from './plugins/allow-one-chargeable-field.ts';
import { answerLegacyClientsWith200 } from './plugins/answer-legacy-clients-with-200.ts';
import { limitWhatIsAsked } from './plugins/limit-what-is-asked.ts';
import { listSomeErrors } from './plugins/list-some-errors.ts';
import { logBugs } from './plugins/log-bugs.ts';
import { nameWrongVariables } from './plugins/name-wrong-variables.ts';
import { refuseShedOperations } from './plugins/refuse-shed-operations.ts';
import { refuseSubscriptions } from './plugins/refuse-subscriptions.ts';
import { takeLargeImagesOnly } from './plugins/take-large-images-only.ts';

/** The GraphQL server. `open` enables introspection and hints, for the sandbox only. */
export function createApolloServer(deps: {
  readonly schema: GraphQLSchema;
  readonly log: Log;
  readonly open: boolean;
}): ApolloServer<GraphqlContext> {
  return new ApolloServer<GraphqlContext>({
    schema: deps.schema,
    introspection: deps.open,
    hideSchemaDetailsFromClientErrors: true,
    includeStacktraceInErrorResponses: false,
    formatError: maskError,
    persistedQueries: false,
    // Apollo's own store would keep every text, and texts may hold personal data.
    documentStore: createDocumentStore(),
    parseOptions: { maxTokens: limits.tokens },
    validationRules: [...limitRules],
    stopOnTerminationSignals: false,
    // Apollo's own log lines may contain input. `logBugs` logs what matters.
    logger: silentLogger,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      // On by default in subgraphs. It costs CPU on every request, even if no trace was requested.
      ApolloServerPluginInlineTraceDisabled(),
      refuseSubscriptions,
      refuseShedOperations,
      allowOneChargeableField,
      nameWrongVariables,
      limitWhatIsAsked,
      takeLargeImagesOnly,
      listSomeErrors,
      answerLegacyClientsWith200,
      logBugs(deps.log),
    ],
  });
}

const silentLogger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
