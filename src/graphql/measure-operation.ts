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

/** The maximum size of the response. A list counts with its requested length. */
export interface Measure {
  readonly fields: number;
  /** Number of entity references. */
  readonly representations: number;
  /** Number of verifications and checks in lists. */
  readonly listed: number;
}

interface Asked {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** Coerced, including the operation's defaults. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * The assumed length of lists without an argument for it: providers, their channels and actions, attempts
 * of a person.
 */
const usualLength = 8;
const defaultFirst = 10;
const nothing: Measure = { fields: 0, representations: 0, listed: 0 };
/** Of operations whose size no variable changes. Documents are kept, so their operations come again. */
const constant = new WeakMap<OperationDefinitionNode, Measure>();

/**
 * Measures a valid operation before it is executed. A fragment is measured once, however often it is
 * spread, so that measuring itself stays cheap.
 */
export function measureOperation(asked: Asked): Measure {
  const known = constant.get(asked.operation);
  if (known) return known;
  let isConstant = true;
  const variables = new Proxy(asked.variables, {
    get: (values, name) => {
      isConstant = false;
      return Reflect.get(values, name);
    },
  });
  const measure = measureWith({ ...asked, variables });
  if (isConstant) constant.set(asked.operation, measure);
  return measure;
}

function measureWith({ schema, document, operation, variables }: Asked): Measure {
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
    // Arguments are evaluated for each occurrence as well.
    const own = 1 + (field.arguments ?? []).reduce((sum, { value }) => sum + sizeOf(value), 0);

    if (name === '_entities') {
      const count = countOf(argumentOf(field, 'representations'), variables);
      return add({ fields: own, representations: count, listed: 0 }, times(count, below));
    }
    if (name === 'verifications' || name === 'bankCardChecks') {
      const first = numberOf(argumentOf(field, 'first'), variables);
      // The fields below count once for each edge, and once for an empty connection.
      return add({ fields: own, representations: 0, listed: first }, times(first, below));
    }
    const walks = name === 'latestPassedVerification' ? 1 : 0;
    const isList =
      definition &&
      isListType(isNonNullType(definition.type) ? definition.type.ofType : definition.type);
    // The number of edges was counted above by `first`.
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

/** The number of values in an argument, including itself. */
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
