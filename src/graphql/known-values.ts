import { isEnumType, isUnionType, type GraphQLSchema } from 'graphql';

// A record may contain enum values of a plugin that is no longer loaded. The schema does not have them.

export function isEnumValue(schema: GraphQLSchema, enumName: string, value: string): boolean {
  const type = schema.getType(enumName);
  return isEnumType(type) && type.getValue(value) !== undefined;
}

export function isUnionMember(schema: GraphQLSchema, unionName: string, member: string): boolean {
  const type = schema.getType(unionName);
  return isUnionType(type) && type.getTypes().some(({ name }) => name === member);
}
