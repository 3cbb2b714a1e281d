import { GraphQLError, OperationTypeNode } from 'graphql';
import type { ResolvedOperation } from './operation-events.ts';

/** Without `SUBSCRIPTION_CALLBACK_URLS` there are no subscriptions. A request for one is no bug. */
export function refuseSubscriptions({ operation }: ResolvedOperation): void {
  if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) return;
  throw new GraphQLError('no subscriptions', {
    extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
  });
}
