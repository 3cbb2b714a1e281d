import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  coerceInputValue,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isTypeDefinitionNode,
  isUnionType,
  parse,
  type DocumentNode,
  type GraphQLOutputType,
  type GraphQLSchema,
} from 'graphql';
import { builtInProviders } from '../../../providers/index.ts';
import type { AnyProvider, VerificationResult } from '../../contract/index.ts';
import { BootError } from '../../core/boot-error.ts';
import { assembleSchema } from '../../graphql/assemble-schema.ts';
import { printSubgraphSdl } from '../../graphql/print-subgraph-sdl.ts';
import { group, type Check, type Group } from '../group.ts';
import type { ConformanceSubject } from '../subject.ts';
import { onEach } from './channels-and-actions.ts';

/** The SDL must form a schema with the built-in providers, must compose, and must name every outcome. */
export function sdlGroup(subject: ConformanceSubject): Group {
  const { provider, starts = [] } = subject;
  const all = [...builtInProviders.filter(({ id }) => id !== provider.id), provider];
  return group('SDL', [
    {
      title: 'forms a schema with the built-in providers',
      run: () => {
        assemble(all);
      },
    },
    ...composers.map(({ name, compose }): Check =>
      find(name) === null
        ? { title: `composes by ${name}`, skipped: `not installed: npm install -D ${name}` }
        : {
            title: `composes by ${name}`,
            run: async () => {
              assemble(all);
              assert.deepEqual(await compose(parse(printSubgraphSdl(all))), []);
            },
          },
    ),
    {
      title: 'describes everything that it adds',
      run: () => assert.deepEqual(findUndescribed(provider.typeDefs), []),
    },
    {
      title: 'contains every reason and every detail of the outcomes',
      run: async () => {
        const schema = assemble(all);
        await onEach(subject, async ({ observed }) => {
          for (const answer of observed.outcomes) {
            if (answer.kind !== 'ended') continue;
            assertReason(schema, 'VerificationOutcomeReason', answer.result.reason);
            if (answer.result.details) assertDetails(schema, answer.result.details);
          }
          for (const { reason } of observed.cardResults) {
            assertReason(schema, 'BankCardOutcomeReason', reason);
          }
        });
      },
    },
    {
      title: 'contains every option of the starts',
      run: () => {
        const schema = assemble(all);
        for (const { title, channel, input } of starts) {
          const field = provider.channels[channel]?.optionsField ?? null;
          if (input.options == null) continue;
          assert.ok(field !== null, `${channel} has no options, but "${title}" gives some`);
          const type = schema.getType('VerificationOptionsInput');
          assert.ok(isInputObjectType(type));
          coerceInputValue({ [field]: input.options }, type, (path, _value, { message }) =>
            assert.fail(`"${title}", options.${path.join('.')}: ${message}`),
          );
        }
      },
    },
  ]);
}

function assemble(definitions: readonly AnyProvider[]): GraphQLSchema {
  try {
    return assembleSchema(definitions, {});
  } catch (error) {
    if (error instanceof BootError) assert.fail(error.message);
    throw error;
  }
}

/** What GraphiQL would show without a word, as `Type.field`. */
function findUndescribed(typeDefs: string): readonly string[] {
  const undescribed: string[] = [];
  const note = (parts: readonly string[], { description }: { description?: unknown }): void => {
    if (!description) undescribed.push(parts.join('.'));
  };
  for (const definition of parse(typeDefs).definitions) {
    if (!('name' in definition) || !definition.name) continue;
    const name = definition.name.value;
    if (isTypeDefinitionNode(definition)) note([name], definition);
    for (const value of 'values' in definition ? (definition.values ?? []) : []) {
      note([name, value.name.value], value);
    }
    for (const field of 'fields' in definition ? (definition.fields ?? []) : []) {
      note([name, field.name.value], field);
      for (const argument of 'arguments' in field ? (field.arguments ?? []) : []) {
        note([name, field.name.value, argument.name.value], argument);
      }
    }
  }
  return undescribed;
}

function assertReason(schema: GraphQLSchema, enumName: string, reason: string): void {
  const type = schema.getType(enumName);
  const isThere = isEnumType(type) && type.getValue(reason) !== undefined;
  assert.ok(isThere, `${enumName} has no value ${reason}: extend it`);
}

function assertDetails(
  schema: GraphQLSchema,
  { __typename: name, ...details }: NonNullable<VerificationResult['details']>,
): void {
  const union = schema.getType('VerificationOutcomeDetails');
  const type = isUnionType(union) ? union.getTypes().find((each) => each.name === name) : null;
  assert.ok(isObjectType(type), `VerificationOutcomeDetails has no member ${name}: extend it`);
  const fields = type.getFields();
  const unknown = Object.keys(details).filter((field) => !Object.hasOwn(fields, field));
  assert.deepEqual(unknown, [], `${name} lacks fields that the outcomes have`);
  for (const [field, { type: fieldType, resolve }] of Object.entries(fields)) {
    const where = `${name}.${field}`;
    assertFits(
      fieldType,
      resolve ? resolved(where, () => resolve(details, {}, null, noInfo)) : details[field],
      where,
    );
  }
}

/** A plugin's resolver gets its parent only. */
const noInfo = null as never;

function resolved(where: string, resolve: () => unknown): unknown {
  try {
    return resolve();
  } catch (error) {
    return assert.fail(
      `the resolver of ${where} throws ${error instanceof Error ? error.message : ''}`,
    );
  }
}

function assertFits(type: GraphQLOutputType, value: unknown, where: string): void {
  if (isNonNullType(type)) {
    assert.ok(value != null, `${where} must not be null, but is`);
    return assertFits(type.ofType, value, where);
  }
  if (value == null) return;
  if (isListType(type)) {
    assert.ok(Array.isArray(value), `${where} must be a list`);
    for (const item of value) assertFits(type.ofType, item, where);
  } else if (isObjectType(type)) {
    for (const [field, each] of Object.entries(type.getFields())) {
      const { resolve } = each;
      const at = `${where}.${field}`;
      const given = resolve
        ? resolved(at, () => resolve(value, {}, null, noInfo))
        : (value as Readonly<Record<string, unknown>>)[field];
      assertFits(each.type, given, at);
    }
  } else if (isLeafType(type)) {
    try {
      type.serialize(value);
    } catch (error) {
      assert.fail(`${where}: ${error instanceof Error ? error.message : 'does not fit'}`);
    }
  }
}

interface Subgraph {
  readonly name: string;
  readonly url: string;
  readonly typeDefs: DocumentNode;
}

type ComposeServices = (subgraphs: readonly Subgraph[]) => {
  readonly supergraphSdl?: string | undefined;
  readonly errors?: readonly unknown[] | undefined;
};

/** What each composer reports about the SDL. The composers are not installed with this package. */
const composers: readonly {
  readonly name: string;
  readonly compose: (typeDefs: DocumentNode) => Promise<readonly string[]>;
}[] = ['@apollo/composition', '@theguild/federation-composition'].map((name) => ({
  name,
  compose: async (typeDefs) => {
    const path = find(name);
    assert.ok(path !== null, `${name} is not installed`);
    const { composeServices } = (await import(pathToFileURL(path).href)) as {
      composeServices: ComposeServices;
    };
    const url = 'http://verification.example/graphql';
    const { supergraphSdl, errors = [] } = composeServices([
      { name: 'verification', url, typeDefs },
    ]);
    return supergraphSdl === undefined ? ['no supergraph', ...errors.map(String)] : [];
  },
}));

/** Resolved from the running tests, or from here. */
function find(name: string): string | null {
  for (const from of [join(process.cwd(), 'index.js'), import.meta.url]) {
    try {
      return createRequire(from).resolve(name);
    } catch {
      // Not installed.
    }
  }
  return null;
}
