import type {
  GraphQLRequestContextDidResolveOperation,
  GraphQLRequestContextWillSendResponse,
} from '@apollo/server';
import type { GraphqlContext } from '../context.ts';

/** An operation that is valid and not executed yet. */
export type ResolvedOperation = GraphQLRequestContextDidResolveOperation<GraphqlContext>;
/** A response that is about to be sent. */
export type SentResponse = GraphQLRequestContextWillSendResponse<GraphqlContext>;
