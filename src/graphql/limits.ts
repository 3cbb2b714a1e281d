import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives';
import { GraphQLError, type ValidationContext, type ValidationRule } from 'graphql';

/** Limits of an operation. docs/errors.md lists them, and a test compares it with this table. */
export const limits = {
  tokens: 4000,
  depth: 12,
  aliases: 50,
  directives: 50,
  /** Maximum number of fields in the response, including arguments. */
  fields: 50_000,
  /** Entity references in all `_entities` fields of an operation together. */
  representations: 1000,
  /** Requested verifications and checks in all lists of an operation together. */
  listed: 5000,
} as const;

export type LimitName = keyof typeof limits;

/** The error for an operation above a limit. */
export function overLimit(limit: LimitName): GraphQLError {
  return new GraphQLError('over a limit', {
    extensions: { code: 'OPERATION_TOO_LARGE', limit, http: { status: 400 } },
  });
}

/** Each rule counts a fragment once, however often it is spread, so the work does not grow with nesting. */
export const limitRules: readonly ValidationRule[] = [
  maxDepthRule({ n: limits.depth, flattenFragments: true, ...refusing('depth') }),
  maxAliasesRule({ n: limits.aliases, allowList: [], ...refusing('aliases') }),
  maxDirectivesRule({ n: limits.directives, ...refusing('directives') }),
];

function refusing(limit: LimitName) {
  return {
    // An error thrown inside validation would count as a bug of this service.
    propagateOnRejection: false,
    onReject: [(context: ValidationContext | null) => context?.reportError(overLimit(limit))],
  };
}
