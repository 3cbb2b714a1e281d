import { GraphQLError } from 'graphql';
import type { ListEntry } from '../ports/index.ts';

/** A place in a list, for the caller to hand back. */
export function toCursor({ atMs, id }: ListEntry): string {
  return Buffer.from(`${atMs}.${id}`).toString('base64url');
}

/** Throws what names no value for a text that is no cursor of ours. */
export function readCursor(cursor: string): ListEntry {
  const [, atMs, id] =
    /^(\d{1,15})\.([\w-]{1,64})$/u.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  if (atMs === undefined || id === undefined) throw badUserInput('after');
  return { atMs: Number(atMs), id };
}

/** An argument that does not fit, by its name. */
export function badUserInput(argument: string): GraphQLError {
  return new GraphQLError('an argument does not fit', {
    extensions: { code: 'BAD_USER_INPUT', variables: [argument] },
  });
}
