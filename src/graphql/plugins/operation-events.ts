import type {
  GraphQLRequestContextDidResolveOperation,
  GraphQLRequestContextWillSendResponse,
} from '@apollo/server';
import type { GraphqlContext } from '../context.ts';

/** An operation that is valid and not executed yet. */
export type ResolvedOperation = GraphQLRequestContextDidResolveOperation<GraphqlContext>;
/** The same, where it can still be answered without an execution. */
export type AnswerableOperation = Pick<
  ResolvedOperation,
  'schema' | 'document' | 'operation' | 'request' | 'contextValue'
>;
/** A response that is about to be sent. */
export type SentResponse = GraphQLRequestContextWillSendResponse<GraphqlContext>;
