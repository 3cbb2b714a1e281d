import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives';
import { GraphQLError, type ValidationContext, type ValidationRule } from 'graphql';

/** How large an operation may be. docs/errors.md lists them, and is compared with this table. */
export const limits = {
  tokens: 4000,
  depth: 12,
  aliases: 50,
  directives: 50,
  /** Of the answer at most, arguments included. */
  fields: 50_000,
  /** References to entities, in all of an operation's `_entities` together. */
  representations: 1000,
  /** Verifications in all lists of an operation together, as many as were asked for. */
  listed: 5000,
} as const;

export type LimitName = keyof typeof limits;

/** What is said of an operation that goes over one. */
export function overLimit(limit: LimitName): GraphQLError {
  return new GraphQLError('over a limit', {
    extensions: { code: 'OPERATION_TOO_LARGE', limit, http: { status: 400 } },
  });
}

/** Each counts a fragment once, however often it is spread: nothing here grows with nesting. */
export const limitRules: readonly ValidationRule[] = [
  maxDepthRule({ n: limits.depth, flattenFragments: true, ...refusing('depth') }),
  maxAliasesRule({ n: limits.aliases, allowList: [], ...refusing('aliases') }),
  maxDirectivesRule({ n: limits.directives, ...refusing('directives') }),
];

function refusing(limit: LimitName) {
  return {
    // Thrown inside validation it would count as a bug of ours.
    propagateOnRejection: false,
    onReject: [(context: ValidationContext | null) => context?.reportError(overLimit(limit))],
  };
}
