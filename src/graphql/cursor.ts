import { GraphQLError } from 'graphql';
import type { ListEntry } from '../ports/index.ts';

/** The position of an entry in a list, for the caller to pass as `after`. */
export function toCursor({ atMs, id }: ListEntry): string {
  return Buffer.from(`${atMs}.${id}`).toString('base64url');
}

/** Throws an error without the value if the text is not a cursor of this service. */
export function readCursor(cursor: string): ListEntry {
  const [, atMs, id] =
    /^(\d{1,15})\.([\w-]{1,64})$/u.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  if (atMs === undefined || id === undefined)
    throw badUserInput('after', 'is not a cursor of this list');
  return { atMs: Number(atMs), id };
}

/** An error for an invalid argument. It names the argument and says what it must be, without its value. */
export function badUserInput(path: string, message: string): GraphQLError {
  return new GraphQLError('an argument does not fit', {
    extensions: { code: 'BAD_USER_INPUT', variables: [path], fields: [{ path, message }] },
  });
}
