import {
  addResolversToSchema,
  buildSubgraphSchema,
  type GraphQLResolverMap,
  type GraphQLSchemaModule,
} from '@apollo/subgraph';
import type { GraphQLSchema } from 'graphql';
import type { AnyProvider } from '../contract/index.ts';
import { BootError } from '../core/boot-error.ts';
import { readBaseSchema } from './base-schema.ts';
import { checkPluginSchemas, parsePluginSchema } from './check-plugin-schema.ts';
import { findStrayResolvers } from './find-stray-resolvers.ts';

/**
 * The subgraph's schema: the base SDL and each plugin's module, enabled or not.
 *
 * Throws `BootError`, each line naming the plugin that has to be mended.
 */
export function assembleSchema(
  definitions: readonly AnyProvider[],
  resolvers: GraphQLResolverMap,
): GraphQLSchema {
  const base = readBaseSchema();
  const parsed = definitions.map(parsePluginSchema);
  const plugins = parsed.map(([plugin]) => plugin);
  const wrong = [
    ...parsed.flatMap(([, problems]) => problems),
    ...checkPluginSchemas(base, plugins),
  ];
  if (wrong.length > 0) throw new BootError(wrong);

  // An array of modules: a single document crashes @apollo/subgraph 2.15.1.
  const schema = build([
    ...base.map((typeDefs) => ({ typeDefs })),
    ...plugins.map(({ document, definition }) => ({
      typeDefs: document,
      resolvers: (definition.resolvers ?? {}) as GraphQLResolverMap,
    })),
  ]);
  // Unknown ones would be ignored silently.
  const stray = findStrayResolvers(schema, resolvers);
  if (stray.length > 0) throw new BootError(stray);
  addResolversToSchema(schema, resolvers);
  return schema;
}

function build(modules: GraphQLSchemaModule[]): GraphQLSchema {
  try {
    return buildSubgraphSchema(modules);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    throw new BootError([`The providers' SDL does not make a schema: ${reason}`]);
  }
}
