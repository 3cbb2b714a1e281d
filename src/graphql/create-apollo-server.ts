import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import type { GraphQLSchema } from 'graphql';
import type { Log } from '../ports/index.ts';
import type { GraphqlContext } from './context.ts';
import { createDocumentStore } from './document-store.ts';
import { limitRules, limits } from './limits.ts';
import { maskError } from './mask-error.ts';
import { operationPlugin } from './plugins/operation-plugin.ts';
import type { Subscriptions } from './subscriptions/serve-subscriptions.ts';

/** The GraphQL server. `open` enables introspection and hints, for the sandbox only. */
export function createApolloServer(deps: {
  readonly schema: GraphQLSchema;
  readonly log: Log;
  readonly open: boolean;
  /** Null: subscriptions are refused. */
  readonly subscriptions: Subscriptions | null;
}): ApolloServer<GraphqlContext> {
  return new ApolloServer<GraphqlContext>({
    schema: deps.schema,
    introspection: deps.open,
    hideSchemaDetailsFromClientErrors: !deps.open,
    includeStacktraceInErrorResponses: false,
    formatError: (formatted, error) => maskError(formatted, error, { keepHints: deps.open }),
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
      // Also on by default. It wraps every resolver. No response may be cached: the route says `no-store`.
      ApolloServerPluginCacheControlDisabled(),
      operationPlugin(deps.log, deps.subscriptions),
    ],
  });
}

const silentLogger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
