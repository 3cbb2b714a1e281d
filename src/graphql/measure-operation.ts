import {
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';

/** What answering takes, at most: a list counts as often as it was asked for. */
export interface Measure {
  readonly fields: number;
  /** References to entities. */
  readonly representations: number;
  /** Verifications in lists. */
  readonly listed: number;
}

interface Asked {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** Coerced, with the defaults of the operation. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Lists whose length nobody asks for: providers, their channels and actions, attempts of a person. */
const usualLength = 8;
const defaultFirst = 10;
const nothing: Measure = { fields: 0, representations: 0, listed: 0 };

/**
 * Measures a valid operation before it is executed. A fragment is measured once, however often it is
 * spread, so that this itself stays small.
 */
export function measureOperation({ schema, document, operation, variables }: Asked): Measure {
  const fragments = new Map(
    document.definitions.flatMap((each) =>
      each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each] as const] : [],
    ),
  );
  const measured = new Map<string, Measure>();

  const measureFragment = (name: string): Measure => {
    const known = measured.get(name);
    if (known) return known;
    const fragment = fragments.get(name);
    const type = fragment && schema.getType(fragment.typeCondition.name.value);
    const measure = fragment ? measureAll(type, fragment.selectionSet) : nothing;
    measured.set(name, measure);
    return measure;
  };

  const measureAll = (
    type: GraphQLNamedType | undefined,
    { selections }: SelectionSetNode,
  ): Measure =>
    selections
      .map((selection) => {
        if (selection.kind === Kind.FRAGMENT_SPREAD) return measureFragment(selection.name.value);
        if (selection.kind === Kind.FIELD) return measureField(type, selection);
        const condition = selection.typeCondition?.name.value;
        const inner = condition === undefined ? type : schema.getType(condition);
        return measureAll(inner, selection.selectionSet);
      })
      .reduce(add, nothing);

  const measureField = (type: GraphQLNamedType | undefined, field: FieldNode): Measure => {
    const name = field.name.value;
    const hasFields = isObjectType(type) || isInterfaceType(type);
    const definition = hasFields ? type.getFields()[name] : undefined;
    const inner = definition && getNamedType(definition.type);
    const below =
      field.selectionSet && isCompositeType(inner)
        ? measureAll(inner, field.selectionSet)
        : nothing;
    // Arguments are read each time as well.
    const own = 1 + (field.arguments ?? []).reduce((sum, { value }) => sum + sizeOf(value), 0);

    if (name === '_entities') {
      const count = countOf(argumentOf(field, 'representations'), variables);
      return add({ fields: own, representations: count, listed: 0 }, times(count, below));
    }
    if (name === 'verifications') {
      const first = numberOf(argumentOf(field, 'first'), variables);
      // Behind each edge of the connection; nothing at all is one as well.
      return add({ fields: own, representations: 0, listed: first }, times(first, below));
    }
    const walks = name === 'latestPassedVerification' ? 1 : 0;
    const isList =
      definition &&
      isListType(isNonNullType(definition.type) ? definition.type.ofType : definition.type);
    // The edges of a connection are as many as it was asked for, counted above.
    const length = isList && name !== 'edges' ? usualLength : 1;
    return add({ fields: own, representations: 0, listed: walks }, times(length, below));
  };

  return measureAll(schema.getRootType(operation.operation) ?? undefined, operation.selectionSet);
}

function add(a: Measure, b: Measure): Measure {
  return {
    fields: a.fields + b.fields,
    representations: a.representations + b.representations,
    listed: a.listed + b.listed,
  };
}

function times(count: number, { fields, representations, listed }: Measure): Measure {
  return {
    fields: count * fields,
    representations: count * representations,
    listed: count * listed,
  };
}

function argumentOf({ arguments: all }: FieldNode, name: string): ValueNode | undefined {
  return all?.find((argument) => argument.name.value === name)?.value;
}

/** How many values an argument holds, itself included. */
function sizeOf(value: ValueNode): number {
  if (value.kind === Kind.LIST) return value.values.reduce((sum, each) => sum + sizeOf(each), 1);
  if (value.kind !== Kind.OBJECT) return 1;
  return value.fields.reduce((sum, { value: each }) => sum + sizeOf(each), 1);
}

function countOf(value: ValueNode | undefined, variables: Asked['variables']): number {
  if (value?.kind === Kind.LIST) return value.values.length;
  const given = value?.kind === Kind.VARIABLE ? variables[value.name.value] : [];
  return Array.isArray(given) ? given.length : 1;
}

function numberOf(value: ValueNode | undefined, variables: Asked['variables']): number {
  const given = value?.kind === Kind.VARIABLE ? variables[value.name.value] : undefined;
  const asked = value?.kind === Kind.INT ? Number(value.value) : (given ?? defaultFirst);
  return typeof asked === 'number' && asked > 1 ? asked : 1;
}
