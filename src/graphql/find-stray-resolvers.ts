import type { GraphQLResolverMap } from '@apollo/subgraph';
import { isEnumType, isInterfaceType, isObjectType, type GraphQLSchema } from 'graphql';

/** Resolvers of the base schema for types or fields that do not exist. */
export function findStrayResolvers(schema: GraphQLSchema, resolvers: GraphQLResolverMap): string[] {
  return Object.entries(resolvers).flatMap(([typeName, fields]) => {
    const type = schema.getType(typeName);
    if (!type) return [`There is a resolver for the type ${typeName}, which does not exist.`];
    const known =
      isObjectType(type) || isInterfaceType(type)
        ? Object.keys(type.getFields())
        : isEnumType(type)
          ? type.getValues().map(({ name }) => name)
          : null;
    if (known === null || typeof fields !== 'object') return [];
    return Object.keys(fields)
      .filter((field) => !field.startsWith('__') && !known.includes(field))
      .map((field) => `There is a resolver for ${typeName}.${field}, which does not exist.`);
  });
}
