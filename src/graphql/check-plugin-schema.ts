import { gql } from 'graphql-tag';
import {
  Kind,
  print,
  visit,
  type DefinitionNode,
  type DocumentNode,
  type ObjectTypeDefinitionNode,
  type ObjectTypeExtensionNode,
  type TypeDefinitionNode,
  type TypeExtensionNode,
  type TypeNode,
} from 'graphql';
import type { AnyProvider } from '../contract/index.ts';

/** What a plugin may extend, in addition to its own types. */
const extensionPoints: Readonly<Record<string, Kind>> = {
  VerificationOptionsInput: Kind.INPUT_OBJECT_TYPE_EXTENSION,
  VerificationChannel: Kind.ENUM_TYPE_EXTENSION,
  VerificationOutcomeDetails: Kind.UNION_TYPE_EXTENSION,
  VerificationOutcomeReason: Kind.ENUM_TYPE_EXTENSION,
  BankCardOutcomeReason: Kind.ENUM_TYPE_EXTENSION,
};

const usableDirectives: readonly string[] = ['deprecated', 'specifiedBy', 'tag', 'oneOf'];

export interface PluginSchema {
  readonly definition: AnyProvider;
  readonly document: DocumentNode;
}

/** Parses a plugin's SDL. The second element lists its errors. */
export function parsePluginSchema(
  definition: AnyProvider,
): readonly [PluginSchema, readonly string[]] {
  const empty: DocumentNode = { kind: Kind.DOCUMENT, definitions: [] };
  // An empty SDL is allowed: a plugin for card checks may need none.
  if (/^(?:\s|#[^\n]*)*$/u.test(definition.typeDefs)) return [{ definition, document: empty }, []];
  try {
    return [{ definition, document: gql(definition.typeDefs) }, []];
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    return [
      { definition, document: empty },
      [`provider "${definition.id}": its SDL cannot be parsed: ${reason}`],
    ];
  }
}

/**
 * Every error in the plugins' SDL; each line names the plugin.
 *
 * buildSubgraphSchema merges everything and lets the last resolver win, so forbidden definitions must be
 * found before.
 */
export function checkPluginSchemas(
  base: readonly DocumentNode[],
  plugins: readonly PluginSchema[],
): string[] {
  const owners = new Map<string, string>();
  const baseDefinitions = base.flatMap(({ definitions }) => definitions);
  for (const name of baseDefinitions.flatMap(namesOf)) owners.set(name, 'the base schema');
  const baseChannels = baseDefinitions.flatMap((node) => channelsOf(node));
  return [
    ...plugins.flatMap((plugin, at) => checkPrefix(plugin, baseDefinitions, plugins.slice(0, at))),
    ...plugins.flatMap((plugin) => checkFieldTypes(plugin, baseDefinitions)),
    ...plugins.flatMap((plugin) => checkOne(plugin, owners)),
    ...checkSharedFields(plugins),
    ...plugins.flatMap((plugin) => checkChannels(plugin, baseChannels)),
  ];
}

/** Names of GraphQL itself. A plugin's type with such a name would replace the built-in one. */
const builtInNames = [
  'String',
  'Int',
  'Float',
  'Boolean',
  'ID',
  'Query',
  'Mutation',
  'Subscription',
];

/** A plugin's types may not start with the prefix of the base schema or of another plugin. */
function checkPrefix(
  { definition }: PluginSchema,
  base: readonly DefinitionNode[],
  earlier: readonly PluginSchema[],
): string[] {
  const prefix = toPascalCase(definition.id);
  const baseNames = base.filter(isTypeDefinition).map(({ name }) => name.value);
  const taken = [...baseNames, ...builtInNames].find((name) => name.startsWith(prefix));
  const other = earlier.find(({ definition: { id } }) => {
    const theirs = toPascalCase(id);
    return id !== definition.id && (theirs.startsWith(prefix) || prefix.startsWith(theirs));
  });
  const name = `provider "${definition.id}"`;
  return [
    ...(taken === undefined
      ? []
      : [
          `${name}: type prefix ${prefix} collides with the base schema's type ${taken}. Choose another id.`,
        ]),
    ...(other
      ? [
          `${name}: type prefix ${prefix} collides with the types of provider "${other.definition.id}". Choose another id.`,
        ]
      : []),
  ];
}

/**
 * Only a plugin's own types and value types are allowed: a field that returns a verification could return
 * any user's.
 */
function checkFieldTypes(
  { definition, document }: PluginSchema,
  base: readonly DefinitionNode[],
): string[] {
  const own = document.definitions.filter(isTypeDefinition).map((type) => type.name.value);
  const values = base
    .filter(isTypeDefinition)
    .filter(
      ({ kind }) => kind === Kind.ENUM_TYPE_DEFINITION || kind === Kind.SCALAR_TYPE_DEFINITION,
    )
    .map((type) => type.name.value);
  const baseNames = base.filter(isTypeDefinition).map((type) => type.name.value);
  const isForeign = (type: string): boolean =>
    baseNames.includes(type) && !values.includes(type) && !own.includes(type);
  return document.definitions.flatMap((node) => {
    const isObject = 'interfaces' in node;
    if (!isObject) return [];
    const where = `provider "${definition.id}": ${node.name.value}`;
    return [
      ...(node.interfaces ?? [])
        .map(({ name }) => name.value)
        .filter((each) => !own.includes(each))
        .map((each) => `${where} implements ${each}, which is not an interface of its own.`),
      ...(node.fields ?? [])
        .map((field) => [field.name.value, namedTypeOf(field.type)] as const)
        .filter(([, type]) => isForeign(type))
        .map(
          ([field, type]) =>
            `${where}.${field} is of the base schema's type ${type}: it may have value types and own types only.`,
        ),
    ];
  });
}

function namedTypeOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedTypeOf(type.type);
}

function checkOne({ definition, document }: PluginSchema, owners: Map<string, string>): string[] {
  const wrong: string[] = [];
  const name = `provider "${definition.id}"`;
  const prefix = toPascalCase(definition.id);
  const own = document.definitions.filter(isTypeDefinition).map((type) => type.name.value);

  for (const node of document.definitions) {
    if (isTypeDefinition(node)) {
      if (!node.name.value.startsWith(prefix)) {
        wrong.push(`${name}: its type ${node.name.value} must start with ${prefix}.`);
      }
    } else if (isTypeExtension(node)) {
      const extended = node.name.value;
      if (!Object.hasOwn(extensionPoints, extended) && !own.includes(extended)) {
        const points = Object.keys(extensionPoints).join(', ');
        wrong.push(`${name} extends ${extended}; only ${points} may be extended.`);
      } else if (!own.includes(extended) && extensionPoints[extended] !== node.kind) {
        wrong.push(`${name} extends ${extended} as another kind of type.`);
      }
      for (const { name: member } of 'types' in node ? (node.types ?? []) : []) {
        if (!own.includes(member.value)) {
          wrong.push(
            `${name} adds ${member.value} to ${extended}, which is not a type of its own.`,
          );
        }
      }
    } else {
      wrong.push(`${name}: its SDL may define and extend types only, not: ${firstLine(node)}`);
    }
    for (const what of namesOf(node)) {
      const owner = owners.get(what);
      if (owner === undefined) owners.set(what, name);
      else wrong.push(`${name} claims ${what}, which belongs to ${owner}.`);
    }
  }

  visit(document, {
    Directive: ({ name: { value } }) => {
      if (!usableDirectives.includes(value)) {
        wrong.push(`${name} uses @${value}; only @${usableDirectives.join(', @')} may be used.`);
      }
    },
  });
  return [
    ...wrong,
    ...checkOptionsFields(definition, document),
    ...checkResolvers(definition, document),
  ];
}

/** A channel that the enum lacks would turn the whole list of providers into null. */
function checkChannels(
  { definition, document }: PluginSchema,
  baseChannels: readonly string[],
): string[] {
  const known = [...baseChannels, ...document.definitions.flatMap((node) => channelsOf(node))];
  return Object.keys(definition.channels)
    .filter((channel) => !known.includes(channel))
    .map((channel) => `provider "${definition.id}": VerificationChannel has no value ${channel}.`);
}

function channelsOf(node: DefinitionNode): string[] {
  const isEnum = node.kind === Kind.ENUM_TYPE_DEFINITION || node.kind === Kind.ENUM_TYPE_EXTENSION;
  if (!isEnum || node.name.value !== 'VerificationChannel') return [];
  return node.values?.map((value) => value.name.value) ?? [];
}

/** Each channel's options field must be in the SDL. It must be nullable, because it is one of several. */
function checkOptionsFields(definition: AnyProvider, document: DocumentNode): string[] {
  const name = `provider "${definition.id}"`;
  const declared = new Map(
    document.definitions
      .filter((node) => node.kind === Kind.INPUT_OBJECT_TYPE_EXTENSION)
      .filter((node) => node.name.value === 'VerificationOptionsInput')
      .flatMap((node) => node.fields ?? [])
      .map((field) => [field.name.value, field]),
  );
  const used = Object.values(definition.channels).flatMap(({ optionsField }) =>
    optionsField === null ? [] : [optionsField],
  );
  return [
    ...used
      .filter((field) => !declared.has(field))
      .map((field) => `${name}: its SDL lacks the field ${field} of VerificationOptionsInput.`),
    ...[...declared].flatMap(([field, { type, defaultValue }]) => [
      ...(used.includes(field) ? [] : [`${name}: no channel of it uses the options ${field}.`]),
      ...(type.kind === Kind.NON_NULL_TYPE
        ? [`${name}: the options ${field} must be nullable.`]
        : []),
      ...(defaultValue
        ? [`${name}: the options ${field} must have no default: one field is given, not all.`]
        : []),
    ]),
  ];
}

/** Resolvers for unknown types or fields would be ignored silently. */
function checkResolvers(definition: AnyProvider, document: DocumentNode): string[] {
  const name = `provider "${definition.id}"`;
  const types = new Map(
    document.definitions
      .filter((node) => node.kind === Kind.OBJECT_TYPE_DEFINITION)
      .map((node) => [node.name.value, new Set(node.fields?.map((field) => field.name.value))]),
  );
  return Object.entries(definition.resolvers ?? {}).flatMap(([type, fields]) => {
    const known = types.get(type);
    if (!known) return [`${name} has a resolver for the type ${type}, which it does not define.`];
    return Object.keys(fields)
      .filter((field) => !known.has(field))
      .map((field) => `${name} has a resolver for ${type}.${field}, which does not exist.`);
  });
}

/** A query over a union can select a field of two members, so both members need the same type. */
function checkSharedFields(plugins: readonly PluginSchema[]): string[] {
  const wrong: string[] = [];
  const known = new Map<string, { readonly type: string; readonly where: string }>();
  for (const { definition, document } of plugins) {
    const members = document.definitions
      .filter((node) => node.kind === Kind.UNION_TYPE_EXTENSION)
      .filter((node) => node.name.value === 'VerificationOutcomeDetails')
      .flatMap((node) => node.types?.map((type) => type.name.value) ?? []);
    const objects = document.definitions.filter(
      (node): node is ObjectTypeDefinitionNode | ObjectTypeExtensionNode =>
        (node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.OBJECT_TYPE_EXTENSION) &&
        members.includes(node.name.value),
    );
    for (const object of objects) {
      for (const field of object.fields ?? []) {
        const where = `${object.name.value}.${field.name.value}`;
        const type = print(field.type);
        const earlier = known.get(field.name.value);
        if (!earlier) known.set(field.name.value, { type, where });
        else if (earlier.type !== type) {
          wrong.push(
            `provider "${definition.id}": ${where} is ${type}, but ${earlier.where} is ${earlier.type}; members of one union share a field's type.`,
          );
        }
      }
    }
  }
  return wrong;
}

/** The names that a definition introduces: `type X`, `Enum.VALUE`, `Input.field`, `Union | Member`. */
function namesOf(node: DefinitionNode): string[] {
  if (isTypeDefinition(node)) return [`the type ${node.name.value}`, ...membersOf(node)];
  return isTypeExtension(node) ? membersOf(node) : [];
}

function membersOf(node: TypeDefinitionNode | TypeExtensionNode): string[] {
  const name = node.name.value;
  const values = 'values' in node ? (node.values ?? []) : [];
  const fields = 'fields' in node ? (node.fields ?? []) : [];
  const types = 'types' in node ? (node.types ?? []) : [];
  return [
    ...values.map((value) => `${name}.${value.name.value}`),
    ...fields.map((field) => `${name}.${field.name.value}`),
    ...types.map((type) => `${name} | ${type.name.value}`),
  ];
}

function isTypeDefinition(node: DefinitionNode): node is TypeDefinitionNode {
  return node.kind.endsWith('TypeDefinition');
}

function isTypeExtension(node: DefinitionNode): node is TypeExtensionNode {
  return node.kind.endsWith('TypeExtension');
}

function firstLine(node: DefinitionNode): string {
  return print(node).split('\n')[0] ?? node.kind;
}

function toPascalCase(id: string): string {
  return id
    .split('-')
    .map((part) => `${part.slice(0, 1).toUpperCase()}${part.slice(1)}`)
    .join('');
}
