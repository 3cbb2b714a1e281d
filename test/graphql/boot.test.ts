import { describe, expect, it } from 'vitest';
import { builtInProviders } from '../../providers/index.ts';
import { tencentCn } from '../../providers/tencent-cn/index.ts';
import type { AnyProvider } from '../../src/contract/index.ts';
import { reservedNames } from '../../src/boot/reserved-names.ts';
import { BootError } from '../../src/core/boot-error.ts';
import { checkDefinitions } from '../../src/boot/check-definitions.ts';
import { assembleSchema } from '../../src/graphql/assemble-schema.ts';
import { resolverMap } from '../../src/graphql/resolvers/index.ts';
import { probe } from '../support/test-core.ts';

const channel = probe.channels['FACE_WEB'];

function linesOf(boot: () => unknown): readonly string[] {
  try {
    boot();
  } catch (error) {
    if (error instanceof BootError) return error.lines;
    throw error;
  }
  return [];
}

function schemaLines(...plugins: AnyProvider[]): readonly string[] {
  return linesOf(() => assembleSchema([...builtInProviders, ...plugins], resolverMap));
}

function definitionLines(...plugins: AnyProvider[]): readonly string[] {
  return linesOf(() => checkDefinitions([...builtInProviders, ...plugins], reservedNames));
}

describe('boot', () => {
  it('accepts a sound plugin', () => {
    expect(schemaLines(probe)).toEqual([]);
    expect(definitionLines(probe)).toEqual([]);
  });

  it.each<[string, Partial<AnyProvider>, string]>([
    [
      'has a resolver for a type that it does not define',
      { resolvers: { Query: { evil: () => 1 } } },
      'resolver for the type Query',
    ],
    [
      'has a resolver for a field that does not exist',
      { resolvers: { ProbeNothing: { other: () => 1 } } },
      'ProbeNothing.other',
    ],
    [
      'extends a type that is no extension point',
      { typeDefs: 'extend type Query { probe: String }' },
      'extends Query',
    ],
    [
      'extends another plugin’s type',
      { typeDefs: 'extend type TencentCnEIdDetails { more: String }' },
      'extends TencentCnEIdDetails',
    ],
    [
      'defines a type without its prefix',
      { typeDefs: 'type Other { a: String }' },
      'must start with Probe',
    ],
    [
      'defines the base schema’s type',
      { typeDefs: 'type Verification { a: String }' },
      'belongs to the base schema',
    ],
    [
      'claims a base value',
      { typeDefs: 'extend enum VerificationOutcomeReason { OTHER }' },
      'VerificationOutcomeReason.OTHER',
    ],
    [
      'claims another plugin’s options',
      { typeDefs: 'extend input VerificationOptionsInput { tencentCnEId: String }' },
      'VerificationOptionsInput.tencentCnEId, which belongs to provider "tencent-cn"',
    ],
    [
      'defines options that no channel uses',
      { typeDefs: 'extend input VerificationOptionsInput { probeWeb: String }' },
      'no channel of it uses the options probeWeb',
    ],
    [
      'lacks the options of its channel',
      { channels: { FACE_WEB: { ...channel, optionsField: 'probeWeb' } } as never },
      'lacks the field probeWeb',
    ],
    [
      'requires its options',
      {
        channels: { FACE_WEB: { ...channel, optionsField: 'probeWeb' } } as never,
        typeDefs: 'extend input VerificationOptionsInput { probeWeb: String! }',
      },
      'must be nullable',
    ],
    [
      'gives a shared field another type',
      {
        typeDefs:
          'type ProbeDetails { livenessTags: String } extend union VerificationOutcomeDetails = ProbeDetails',
      },
      'ProbeDetails.livenessTags is String',
    ],
    [
      'takes a name of GraphQL itself',
      { id: 'string', typeDefs: 'type StringX { a: Int }' },
      "collides with the base schema's type String. Choose another id",
    ],
    [
      'has types with another’s prefix',
      { id: 'ten', typeDefs: 'type TencentCnEvil { a: Int }' },
      'collides with the types of provider "tencent-cn"',
    ],
    [
      'returns a type that is not its own',
      { typeDefs: 'type ProbeX { a: [Verification!] }' },
      'ProbeX.a is of the base schema',
    ],
    [
      'implements an interface that is not its own',
      {
        typeDefs: 'type ProbeX implements VerificationProblem { message: String! }',
      },
      'implements VerificationProblem, which is not an interface of its own',
    ],
    [
      'uses names reserved for the base schema',
      { id: 'verification', typeDefs: 'type VerificationX { a: String }' },
      'Choose another id',
    ],
    [
      'uses a directive of its own',
      { typeDefs: 'directive @probe on OBJECT' },
      'may define and extend types only',
    ],
    [
      'uses a directive that does not exist',
      { typeDefs: 'type ProbeX @authenticated { a: String }' },
      '@authenticated',
    ],
    [
      'links federation again',
      { typeDefs: 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3")' },
      'types only',
    ],
    ['has SDL that cannot be parsed', { typeDefs: 'type {' }, 'cannot be parsed'],
    [
      'names a type that does not exist',
      { typeDefs: 'type ProbeX { a: Missing }' },
      'provider "probe": its SDL does not form a schema',
    ],
    [
      'has a channel that the enum lacks',
      { channels: { FACE_WAB: channel } as never },
      'no value FACE_WAB',
    ],
    [
      'adds a foreign type to a union',
      { typeDefs: 'extend union VerificationOutcomeDetails = BankCardCheck' },
      'adds BankCardCheck',
    ],
    [
      'extends an enum as a type',
      { typeDefs: 'extend type VerificationChannel { a: String }' },
      'as another kind of type',
    ],
    [
      'changes a shared field by extending its own type',
      {
        typeDefs:
          'type ProbeD { a: String } extend type ProbeD { livenessTags: Int } extend union VerificationOutcomeDetails = ProbeD',
      },
      'ProbeD.livenessTags is Int',
    ],
  ])('rejects a plugin that %s', (_name, changes, text) => {
    const lines = schemaLines({ ...probe, ...changes });
    expect(lines.join('\n')).toContain(text);
    expect(lines.join('\n')).toMatch(
      /provider "(?:probe|verification|string|ten)"|ProbeX|Missing/u,
    );
  });

  it.each<[string, Partial<AnyProvider>, string]>([
    [
      'has another’s id',
      { id: 'tencent-cn' },
      '"tencent-cn" is registered twice, or its id is taken',
    ],
    ['has an id that cannot prefix settings', { id: 'Probe_1' }, 'lower case'],
    [
      'has an action without a limit',
      { actions: { Start: { effect: 'read', maxResponseBytes: 1 } } as never },
      'actions.Start.perSecond must be a number',
    ],
    [
      'has an action without an effect',
      { actions: { Start: { perSecond: 1, maxResponseBytes: 1 } } as never },
      'actions.Start.effect must be one of read',
    ],
    [
      'checks cards by an action that does not exist',
      { bankCard: { variants: [{ ...probe.bankCard?.variants[0], action: 'Other' }] } as never },
      'Other, which is not declared',
    ],
    ['does nothing', { channels: {}, bankCard: undefined } as never, 'neither a channel'],
    ['was written for another contract', { contractVersion: 2 as never }, 'contract version 2'],
    [
      'uses another’s options',
      { channels: { E_ID: tencentCn.channels['E_ID'] } as never },
      'claims the options field tencentCnEId',
    ],
    ['has no actions at all', { actions: undefined } as never, 'actions must be an object'],
    [
      'has an infinite limit',
      {
        actions: {
          Start: { effect: 'read', perSecond: Number.POSITIVE_INFINITY, maxResponseBytes: 1 },
        } as never,
      },
      'actions.Start.perSecond must be a number',
    ],
    [
      'starts with an action declared as a read',
      {
        actions: {
          ...probe.actions,
          Start: { ...probe.actions['Start'], effect: 'read' },
        } as never,
      },
      'FACE_WEB starts with Start, which is declared as a read',
    ],
    [
      'takes unsigned notifications at its account URL',
      {
        channels: {
          FACE_WEB: {
            ...channel,
            notification: {
              verify: null,
              read: () => null,
              referenceOf: () => null,
              reply: { contentType: 'text/plain', body: '' },
            },
          },
        } as never,
      },
      'It needs verify',
    ],
    [
      'has a member that is not in the contract',
      { bankcard: probe.bankCard } as never,
      'bankcard is not in contract version 1',
    ],
    [
      'has a kind of fault that does not exist',
      { faults: { Busy: 'bussy' } as never },
      'faults.Busy must be one of not_sent',
    ],
    ['has settings without a schema', { settings: {} as never }, 'settings must be a Standard'],
    [
      'would read another’s settings',
      { id: 'tencent-cn-secret' },
      'prefix TENCENT_CN_SECRET_ collides with the settings of provider "tencent-cn"',
    ],
    [
      'would be read by another’s settings',
      { id: 'tencent' },
      'prefix TENCENT_ collides with the settings of provider "tencent-cn"',
    ],
    [
      'would read the service’s own settings',
      { id: 'redis' },
      'collides with the setting REDIS_URL',
    ],
    [
      'would read settings of the platform',
      { id: 'aws' },
      'collides with the setting AWS_SECRET_ACCESS_KEY',
    ],
    [
      'has two actions with one limit setting',
      {
        actions: {
          ...probe.actions,
          'start.': probe.actions['Start'],
          'start/': probe.actions['Start'],
        } as never,
      },
      'share the setting PROBE_LIMIT_START_',
    ],
  ])('rejects a plugin that %s', (_name, changes, text) => {
    expect(definitionLines({ ...probe, ...changes }).join('\n')).toContain(text);
  });

  it('rejects a resolver of the service without a schema field', () => {
    const lines = linesOf(() =>
      assembleSchema(builtInProviders, { ...resolverMap, Query: { other: () => 1 }, Nobody: {} }),
    );
    expect(lines).toEqual([
      'There is a resolver for Query.other, which does not exist.',
      'There is a resolver for the type Nobody, which does not exist.',
    ]);
  });
});
