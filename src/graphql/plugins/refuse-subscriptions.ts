import { GraphQLError, OperationTypeNode } from 'graphql';
import type { ResolvedOperation } from './operation-events.ts';

/** This service has no subscriptions. A request for one is the caller's mistake, not a bug. */
export function refuseSubscriptions({ operation }: ResolvedOperation): void {
  if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) return;
  throw new GraphQLError('no subscriptions', {
    extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
  });
}
