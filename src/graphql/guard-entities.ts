import type { GraphQLError, GraphQLObjectType, GraphQLSchema } from 'graphql';
import { badUserInput } from './cursor.ts';

/**
 * Makes an unknown entity reference null by itself. The resolver of @apollo/subgraph 2.15.1 throws for the
 * whole batch.
 */
export function guardEntities(schema: GraphQLSchema): void {
  const field = schema.getQueryType()?.getFields()['_entities'];
  const resolveAll = field?.resolve;
  if (!field || !resolveAll) return;
  const entities = new Set(entityTypesOf(schema).map(({ name }) => name));

  field.resolve = (source, given: { readonly representations: readonly unknown[] }, ...rest) => {
    const { representations } = given;
    const known = representations.filter((each) => entities.has(typenameOf(each)));
    const resolved = resolveAll(source, { representations: known }, ...rest) as unknown[];
    const answers = resolved.values();
    return representations.map((each) =>
      entities.has(typenameOf(each)) ? answers.next().value : unknownEntity(),
    );
  };
}

function entityTypesOf(schema: GraphQLSchema): readonly GraphQLObjectType[] {
  const union = schema.getType('_Entity');
  return union && 'getTypes' in union ? union.getTypes() : [];
}

/** A gateway passes on representations from other subgraphs, so their shape is not trusted. */
function typenameOf(representation: unknown): string {
  if (typeof representation !== 'object' || representation === null) return '';
  const { __typename } = representation as { readonly __typename?: unknown };
  return typeof __typename === 'string' ? __typename : '';
}

/** An error inside a list nulls its own entry only. */
function unknownEntity(): GraphQLError {
  return badUserInput('representations.__typename', 'is no entity of this subgraph');
}
