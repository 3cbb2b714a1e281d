import {
  addResolversToSchema,
  buildSubgraphSchema,
  type GraphQLResolverMap,
} from '@apollo/subgraph';
import { Kind, type DocumentNode, type GraphQLSchema } from 'graphql';
import type { AnyProvider } from '../contract/index.ts';
import { BootError } from '../core/boot-error.ts';
import { readBaseSchema } from './base-schema.ts';
import { checkPluginSchemas, parsePluginSchema, type PluginSchema } from './check-plugin-schema.ts';
import { guardEntities } from './guard-entities.ts';
import { findStrayResolvers } from './find-stray-resolvers.ts';

/**
 * The subgraph's schema: the base SDL and each plugin's SDL, enabled or not.
 *
 * Throws `BootError`; each line names the plugin to fix.
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

  const schema = build(base, plugins);
  // Resolvers for unknown types or fields would be ignored silently.
  const stray = findStrayResolvers(schema, resolvers);
  if (stray.length > 0) throw new BootError(stray);
  addResolversToSchema(schema, resolvers);
  guardEntities(schema);
  return schema;
}

function build(base: readonly DocumentNode[], plugins: readonly PluginSchema[]): GraphQLSchema {
  try {
    return buildUnchecked(base, plugins);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    const culprit = plugins.find((plugin) => canBuild(base, plugins, plugin));
    const whose = culprit ? `provider "${culprit.definition.id}": its SDL` : 'The SDL';
    throw new BootError([`${whose} does not form a schema: ${reason}`]);
  }
}

/** Whether the schema can be built without that plugin. */
function canBuild(
  base: readonly DocumentNode[],
  plugins: readonly PluginSchema[],
  without: PluginSchema,
): boolean {
  try {
    buildUnchecked(
      base,
      plugins.filter((plugin) => plugin !== without),
    );
    return true;
  } catch {
    return false;
  }
}

function buildUnchecked(
  base: readonly DocumentNode[],
  plugins: readonly PluginSchema[],
): GraphQLSchema {
  // An array of modules: a single document crashes @apollo/subgraph 2.15.1.
  return buildSubgraphSchema([
    ...base.map((typeDefs) => ({ typeDefs })),
    ...plugins.map((plugin) => ({
      typeDefs: plugin.document,
      resolvers: withParentOnly(plugin),
    })),
  ]);
}

/**
 * A resolver for every field of a plugin's own types. It passes the parent only: context and info would
 * give access to the store and to other users' data. graphql-js would also pass them to functions among the
 * values.
 */
function withParentOnly({ document, definition }: PluginSchema): GraphQLResolverMap {
  const resolvers: Record<string, Record<string, (parent: unknown) => unknown>> = {};
  for (const node of document.definitions) {
    const isObject =
      node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.OBJECT_TYPE_EXTENSION;
    if (!isObject) continue;
    const type = node.name.value;
    const own = definition.resolvers?.[type] ?? {};
    const fields = (node.fields ?? []).map(({ name: { value: field } }) => {
      const resolve = Object.hasOwn(own, field) ? own[field] : undefined;
      return [field, (parent: unknown) => (resolve ? resolve(parent) : valueOf(parent, field))];
    });
    resolvers[type] = { ...resolvers[type], ...Object.fromEntries(fields) };
  }
  return resolvers;
}

function valueOf(parent: unknown, field: string): unknown {
  const value = (parent as Readonly<Record<string, unknown>>)[field];
  return typeof value === 'function' ? null : value;
}
