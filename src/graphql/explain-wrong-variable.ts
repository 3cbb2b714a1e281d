import { isEnumType, type GraphQLError, type GraphQLSchema } from 'graphql';

export interface WrongVariable {
  /** Such as `input.subject.idNumber`. */
  readonly path: string;
  /** What is wrong there, in names of the schema, never with the value. */
  readonly message: string;
}

type Reader = (
  found: RegExpExecArray,
  context: { readonly path: string; readonly value: unknown; readonly schema: GraphQLSchema },
) => WrongVariable;

/** A name that somebody may have mistyped. Other keys could be data. */
const fieldName = '(?!\\w*\\d{4})[_A-Za-z]\\w{0,63}';

// The messages of graphql-js 16 (coerceInputValue), which repeat the value. Only names of types and fields are read.
const readers: readonly (readonly [RegExp, Reader])[] = [
  [
    /^Field "(\w+)" of required type/u,
    ([, name], { path }) => ({ path: `${path}.${name}`, message: 'is required' }),
  ],
  [
    new RegExp(`^Field "(${fieldName})" is not defined by type`, 'u'),
    ([, name], { path }) => ({ path: `${path}.${name}`, message: 'is not a field' }),
  ],
  [
    /is not defined by type/u,
    (_found, { path }) => ({ path, message: 'has a field that does not exist' }),
  ],
  [
    /not to be null/u,
    (_found, { path, value }) => ({
      path,
      message: value === undefined ? 'is required' : 'must not be null',
    }),
  ],
  [/to be an object/u, (_found, { path }) => ({ path, message: 'must be an object' })],
  [
    /^Exactly one key|must be non-null/u,
    (_found, { path }) => ({ path, message: 'must have exactly one field' }),
  ],
  [
    /in "(\w+)" enum|^Enum "(\w+)"/u,
    ([, one, other], { path, schema }) => {
      const type = schema.getType(one ?? other ?? '');
      const values = isEnumType(type) ? type.getValues().map(({ name }) => name) : [];
      return { path, message: `must be one of ${values.join(', ')}` };
    },
  ],
  [
    /^(\w+) cannot represent|^Expected type "(\w+)"/u,
    ([, one, other], { path }) => ({ path, message: `must be of the type ${one ?? other}` }),
  ],
];

/** Says what is wrong with a variable, from an error of `coerceInputValue`. */
export function explainWrongVariable(
  error: GraphQLError,
  context: Parameters<Reader>[1],
): WrongVariable {
  for (const [pattern, read] of readers) {
    const found = pattern.exec(error.message);
    if (found) return read(found, context);
  }
  return { path: context.path, message: 'is not valid' };
}
