import type { SentResponse } from './operation-events.ts';

const mostErrors = 10;
/** The same as the limit of entity references. */
const mostFieldErrors = 1000;

/**
 * Shortens the list of errors of a document with many mistakes. Field errors are listed in full: each shows
 * that a null is an error, and a gateway finds it by its path. With too many field errors the response has
 * no data, because its nulls could not be told apart.
 */
export function listSomeErrors({ response: { body } }: SentResponse): void {
  if (body.kind !== 'single') return;
  const { errors, data } = body.singleResult;
  if (!errors || (data !== undefined && errors.length <= mostFieldErrors)) return;
  body.singleResult = { errors: errors.slice(0, mostErrors) };
}
