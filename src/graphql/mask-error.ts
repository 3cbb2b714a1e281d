import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { StoreUnavailable } from '../ports/index.ts';
import { AccessDenied } from '../core/callers/caller.ts';
import { explainWrongDocument } from './explain-wrong-document.ts';
import type { WrongVariable } from './explain-wrong-variable.ts';
import { limits, type LimitName } from './limits.ts';

/**
 * Every top-level error has one of these texts, because the messages of graphql-js repeat the input, such
 * as an ID number. A test compares docs/errors.md with this table.
 */
export const errorTexts = {
  UNAUTHENTICATED: 'The caller is not known.',
  FORBIDDEN: 'The caller may not do this.',
  STORE_UNAVAILABLE: 'The store does not answer. Try again.',
  BAD_USER_INPUT: 'An argument or a variable has a wrong value.',
  BAD_REQUEST: 'The request is not a GraphQL request.',
  GRAPHQL_PARSE_FAILED: 'The document is not GraphQL.',
  GRAPHQL_VALIDATION_FAILED: 'The document does not fit the schema.',
  OPERATION_RESOLUTION_FAILURE: 'The document does not contain the requested operation.',
  OPERATION_TOO_LARGE: 'The operation is too large.',
  TOO_MANY_CHARGEABLE_FIELDS: 'An operation may contain only one chargeable field.',
  PERSISTED_QUERY_NOT_SUPPORTED: 'Persisted queries are not supported.',
  PERSISTED_QUERY_NOT_FOUND: 'Persisted queries are not supported.',
  SUBSCRIPTION_REFUSED:
    'Subscriptions need the HTTP callback protocol, and a callback URL that is allowed and answers.',
  SUBSCRIPTION_EXPIRED: 'The subscription is over. Subscribe again.',
  TOO_MANY_SUBSCRIPTIONS: 'The caller has too many subscriptions.',
  PAYLOAD_TOO_LARGE: 'The request is too large.',
  SERVICE_UNAVAILABLE: 'The service is busy or about to stop. Try again.',
  INTERNAL_SERVER_ERROR: 'Something went wrong here.',
} as const;

/** One error may have a thousand locations. */
const mostLocations = 10;

export type ErrorCode = keyof typeof errorTexts;

/**
 * An error of the GraphQL layer as clients see it: a fixed text, a code and a location. `keepHints`: whether the
 * messages of graphql-js about names stay, with their suggestions. Only the sandbox may do that.
 */
export function maskError(
  formatted: GraphQLFormattedError,
  error: unknown,
  { keepHints = false }: { readonly keepHints?: boolean } = {},
): GraphQLFormattedError {
  const code = codeOf(formatted, error);
  const { variables, fields = fieldsOf(code, formatted) } = formatted.extensions ?? {};
  const cause = unwrapResolverError(error);
  const scope = cause instanceof AccessDenied ? cause.scope : null;
  const isHint =
    keepHints && aboutNames.test(formatted.message) && !/\d{4}/u.test(formatted.message);
  const limit = limitOf(formatted);
  return {
    message: isHint ? formatted.message : errorTexts[code],
    ...(formatted.locations ? { locations: formatted.locations.slice(0, mostLocations) } : {}),
    ...(formatted.path ? { path: formatted.path } : {}),
    extensions: {
      code,
      ...(Array.isArray(variables) ? { variables } : {}),
      ...(Array.isArray(fields) ? { fields } : {}),
      ...(scope === null ? {} : { scope }),
      ...(limit === null ? {} : { limit }),
    },
  };
}

/** Messages of graphql-js about names in a document. Others repeat values. */
const aboutNames =
  /^(?:Cannot query field|Unknown (?:argument|type|directive|fragment)|Field "[\w.]+" (?:is not defined|of required type|argument)|Directive "@\w+" argument)/u;

/** What is wrong in the document, in names of the schema. */
function fieldsOf(
  code: ErrorCode,
  { message }: GraphQLFormattedError,
): WrongVariable[] | undefined {
  if (code !== 'GRAPHQL_VALIDATION_FAILED' && code !== 'BAD_USER_INPUT') return undefined;
  const explained = explainWrongDocument(message);
  return explained ? [explained] : undefined;
}

/** Whether an argument got a value that only the execution could refuse, such as null for a variable with a default. */
function isWrongArgument(cause: unknown): boolean {
  return (
    cause instanceof GraphQLError &&
    cause.extensions['code'] === undefined &&
    cause.message.startsWith('Argument "')
  );
}

/** Whether the error was unexpected, and therefore is a bug of this service. */
export function isBug(error: GraphQLError): boolean {
  return codeOf(error, error) === 'INTERNAL_SERVER_ERROR';
}

/** The code that the caller gets for what a resolver threw. */
export function codeOfThrown(error: unknown): ErrorCode {
  const { message = '', extensions }: Partial<GraphQLError> = Object(error);
  return codeOf({ message, ...(extensions ? { extensions } : {}) }, error);
}

function codeOf(
  formatted: Pick<GraphQLFormattedError, 'extensions' | 'message'>,
  error: unknown,
): ErrorCode {
  const cause = unwrapResolverError(error);
  if (cause instanceof AccessDenied) return 'FORBIDDEN';
  if (cause instanceof StoreUnavailable) return 'STORE_UNAVAILABLE';
  if (limitOf(formatted) !== null) return 'OPERATION_TOO_LARGE';
  if (isWrongArgument(cause)) return 'BAD_USER_INPUT';
  const code = formatted.extensions?.['code'];
  return typeof code === 'string' && Object.hasOwn(errorTexts, code)
    ? (code as ErrorCode)
    : 'INTERNAL_SERVER_ERROR';
}

/** The limit that an error is about. Apollo replaces the codes of validation errors with its own. */
function limitOf({
  extensions,
  message,
}: Pick<GraphQLFormattedError, 'extensions' | 'message'>): LimitName | null {
  // graphql-js 16 reports these limits by message only.
  if (message.endsWith('tokens. Parsing aborted.')) return 'tokens';
  if (message.endsWith('Validation aborted.')) return 'fields';
  const limit = extensions?.['limit'];
  return typeof limit === 'string' && Object.hasOwn(limits, limit) ? (limit as LimitName) : null;
}
