import { unwrapResolverError } from '@apollo/server/errors';
import type { GraphQLError } from 'graphql';
import type { Log } from '../../ports/index.ts';
import { logBug } from '../../core/log-bug.ts';
import { isBug } from '../mask-error.ts';

/** Logs unexpected errors, without their messages. */
export function logBugs(log: Log, errors: readonly GraphQLError[]): void {
  for (const error of errors) {
    if (isBug(error)) logBug(log, 'graphql', unwrapResolverError(error));
  }
}
