import { GraphQLError, GraphQLScalarType } from 'graphql';

/** Milliseconds inside, ISO 8601 outside. Output only: no input uses it. */
export const dateTime = new GraphQLScalarType<number, string>({
  name: 'VerificationDateTime',
  serialize: (value) => {
    if (typeof value !== 'number' || Number.isNaN(new Date(value).getTime())) {
      throw new GraphQLError('not a point in time');
    }
    return new Date(value).toISOString();
  },
  parseValue: () => {
    throw new GraphQLError('is for output only');
  },
});
