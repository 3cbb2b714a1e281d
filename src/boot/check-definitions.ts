import { z } from 'zod';
import {
  bankCardElements,
  checkKinds,
  contractVersion,
  faultKinds,
  type ActionEffect,
  type AnyProvider,
} from '../contract/index.ts';
import { BootError } from '../core/boot-error.ts';
import { faultPolicies } from '../core/upstream/fault-policy.ts';
import { actionLimitSetting, settingPrefix } from './setting-names.ts';

/**
 * Checks the definitions of the plugins. Throws `BootError`; each line names the plugin.
 *
 * `ownSettings`: names of settings that belong to no provider.
 */
export function checkDefinitions(
  definitions: readonly AnyProvider[],
  ownSettings: readonly string[] = [],
): void {
  const misshapen = definitions.flatMap((each, at) => {
    try {
      return findShapeErrors(each);
    } catch {
      return [`The provider at place ${at + 1} cannot be read: looking at it throws.`];
    }
  });
  // The other checks need definitions of the right shape.
  if (misshapen.length > 0) throw new BootError(misshapen);
  const wrong = [
    ...definitions.flatMap(findMistakes),
    ...findClashes(definitions),
    ...findSettingClashes(definitions, ownSettings),
  ];
  if (wrong.length > 0) throw new BootError(wrong);
}

const aFunction = z.custom((value) => typeof value === 'function', 'must be a function');
const text = z.string('must be text').min(1, 'must not be empty');
const above0 = z.number('must be a number').positive('must be above 0');
const seconds = z.number('must be a number of seconds').min(0, 'must not be negative');
const effects = ['read', 'free_start', 'may_charge'] as const satisfies readonly ActionEffect[];

const mostAnswerBytes = 100 * 1024 * 1024;

const action = z.strictObject({
  effect: z.enum(effects, `must be one of ${effects.join(', ')}`),
  perSecond: above0,
  sharesLimitWith: text.optional(),
  maxResponseBytes: above0.max(mostAnswerBytes, 'must be at most 100 MB'),
  dropStringsOver: above0.optional(),
  retryableCodes: z.array(text, 'must be a list of codes').optional(),
});

const notification = z.strictObject({
  verify: z.union([aFunction, z.null()], 'must be a function, or null if nothing is signed'),
  read: aFunction,
  referenceOf: aFunction.optional(),
  reply: z.strictObject(
    { contentType: text, body: z.string('must be text') },
    'must be {contentType, body}',
  ),
});

const channel = z.strictObject({
  action: text,
  checks: z
    .array(z.enum(checkKinds, `must be of ${checkKinds.join(', ')}`), 'must be a list')
    .min(1, 'must name the checks that a pass attests'),
  requires: z.union(
    [z.array(text), aFunction],
    'must be a list of input paths, or a function of the settings',
  ),
  isSetUp: aFunction.optional(),
  requiresWith: z
    .array(
      z.strictObject({
        option: text,
        value: z.union([z.string(), z.boolean()], 'must be text or a boolean').optional(),
        requires: z.array(text, 'must be a list of input paths'),
      }),
      'must be a list of {option, value, requires}',
    )
    .optional(),
  imageOptions: z.array(text, 'must be a list of option names').optional(),
  outcome: z.union(
    [z.enum(['QUERY', 'NOTIFICATION', 'NONE']), aFunction],
    'must be QUERY, NOTIFICATION, NONE, or a function of the settings',
  ),
  optionsField: z.union([text, z.null()], 'must be the name of a field, or null'),
  pollEveryMs: above0,
  graceSeconds: seconds,
  retentionSeconds: above0,
  prepare: aFunction,
  fetchOutcome: aFunction.optional(),
  notification: notification.optional(),
  reuse: z.strictObject({ marginSeconds: seconds }).optional(),
});

const bankCardVariant = z.strictObject({
  elements: z
    .array(z.enum(bankCardElements, `must be of ${bankCardElements.join(', ')}`))
    .refine((elements) => elements.includes('CARD_NUMBER'), 'must include CARD_NUMBER'),
  action: text,
  prepare: aFunction,
});

interface StandardSchema {
  readonly '~standard'?: { readonly validate?: unknown } | null;
}

const definition = z.strictObject({
  contractVersion: z.number(),
  id: z
    .string('must be text')
    .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/u, 'must be lower case, digits and single hyphens'),
  title: text,
  jurisdiction: z.enum(['CN', 'INTL'], 'must be CN or INTL'),
  settings: z.custom(
    (value) => typeof (value as StandardSchema | null)?.['~standard']?.validate === 'function',
    'must be a Standard Schema, such as one of zod',
  ),
  credentials: z.array(text, 'must be a list of setting names'),
  tryCredentials: aFunction.optional(),
  actions: z.record(text, action, 'must be an object of actions'),
  faults: z.record(
    text,
    z.enum(faultKinds, `must be one of ${faultKinds.join(', ')}`),
    'must be an object of codes',
  ),
  channels: z.record(
    z.string().regex(/^[A-Z][A-Z0-9_]*$/u, 'must be in capitals'),
    channel,
    'must be an object of channels',
  ),
  bankCard: z
    .strictObject({ variants: z.array(bankCardVariant).min(1, 'must have one') })
    .optional(),
  typeDefs: z.string('must be SDL as text'),
  resolvers: z.record(text, z.record(text, aFunction)).optional(),
  sandbox: aFunction.optional(),
});

/** The names of all members of the contract, by the object that has them. */
export const contractMembers = {
  provider: Object.keys(definition.shape),
  action: Object.keys(action.shape),
  channel: Object.keys(channel.shape),
  notification: Object.keys(notification.shape),
} as const;

/** Checks at run time what types cannot: plugins in JavaScript, or built for another contract version. */
function findShapeErrors(given: AnyProvider): string[] {
  const name = `provider "${given.id}"`;
  const writtenFor: unknown = given.contractVersion;
  if (writtenFor !== contractVersion) {
    return [
      `${name} was written for contract version ${String(writtenFor)}, this is version ${String(contractVersion)}. Install a version of the plugin for this contract version.`,
    ];
  }
  const parsed = definition.safeParse(given);
  return (parsed.error?.issues ?? []).map((issue) => {
    const path = issue.path.map(String).join('.');
    if (issue.code === 'unrecognized_keys') {
      const where = path === '' ? '' : ` of ${path}`;
      return `${name}: ${issue.keys.join(', ')}${where} is not in contract version ${String(contractVersion)}. Remove it.`;
    }
    return `${name}: ${path} ${issue.message}.`;
  });
}

function findMistakes(given: AnyProvider): string[] {
  const wrong: string[] = [];
  const { id, actions, faults, bankCard } = given;
  const name = `provider "${id}"`;
  const limits = new Set<string>();
  for (const [each, { retryableCodes = [], sharesLimitWith: owner }] of Object.entries(actions)) {
    const isOwn = owner !== undefined && Object.hasOwn(actions, owner);
    if (owner !== undefined && (!isOwn || actions[owner]?.sharesLimitWith !== undefined)) {
      wrong.push(`${name}: ${each} shares the limit of ${owner}, which has none of its own.`);
    }
    const setting = actionLimitSetting(id, each);
    if (limits.has(setting)) {
      wrong.push(`${name}: two of its actions share the setting ${setting}. Rename one.`);
    }
    limits.add(setting);
    for (const code of retryableCodes) {
      const kind = Object.hasOwn(faults, code) ? faults[code] : undefined;
      if (kind !== undefined && faultPolicies.may_charge[kind].claim === 'release') continue;
      wrong.push(
        `${name}: ${each} is retried after ${code}, so faults must map that code to a kind that proves that nothing was done.`,
      );
    }
  }

  const channels = Object.entries(given.channels);
  const starts = [
    ...channels.map(([channelName, { action: start }]) => [channelName, start] as const),
    ...(bankCard?.variants ?? []).map(
      ({ elements, action: called }) => [`bankCard ${elements.join(', ')}`, called] as const,
    ),
  ];
  for (const [what, start] of starts) {
    const effect = Object.hasOwn(actions, start) ? actions[start]?.effect : undefined;
    if (effect === undefined) {
      wrong.push(`${name}: ${what} calls the action ${start}, which is not declared.`);
    } else if (effect === 'read') {
      wrong.push(
        `${name}: ${what} starts with ${start}, which is declared as a read. Declare it as free_start, or as may_charge if it may cost anything.`,
      );
    }
  }
  const sets = (bankCard?.variants ?? []).map(({ elements }) => elements.toSorted().join(', '));
  const twice = sets.find((set, at) => sets.indexOf(set) !== at);
  if (twice !== undefined) wrong.push(`${name}: bankCard has two variants of ${twice}.`);
  for (const [channelName, each] of channels) {
    const { notification: told, imageOptions, optionsField, outcome, fetchOutcome } = each;
    if (!fetchOutcome && (outcome === 'QUERY' || typeof outcome === 'function')) {
      wrong.push(`${name}: the outcome of ${channelName} is polled, so it needs fetchOutcome.`);
    }
    if (told?.referenceOf && !told.verify) {
      wrong.push(
        `${name}: ${channelName} is notified at the URL of the account, where only a signature proves the sender. It needs verify.`,
      );
    }
    if (outcome === 'NOTIFICATION' && !told) {
      wrong.push(`${name}: the outcome of ${channelName} is notified, so it needs notification.`);
    }
    if (imageOptions && optionsField === null) {
      wrong.push(`${name}: ${channelName} has imageOptions and no optionsField.`);
    }
  }
  if (starts.length === 0) wrong.push(`${name} has neither a channel nor bank card checks.`);
  return wrong;
}

function findClashes(definitions: readonly AnyProvider[]): string[] {
  const wrong: string[] = [];
  const owners = new Map<string, string>();
  const claim = (what: string, id: string): void => {
    const owner = owners.get(what);
    if (owner === undefined) owners.set(what, id);
    else if (owner === id) wrong.push(`provider "${id}" is registered twice, or its id is taken.`);
    else wrong.push(`provider "${id}" claims ${what}, which belongs to provider "${owner}".`);
  };
  for (const { id, channels } of definitions) {
    claim(`the id ${id}`, id);
    // Several channels of one provider may share a field.
    const fields = new Set(Object.values(channels).map(({ optionsField }) => optionsField));
    for (const field of fields) if (field !== null) claim(`the options field ${field}`, id);
  }
  return wrong;
}

/** `ACME_PAY_KEY` must not be a setting of `acme` and of `acme-pay`: one could get the other's secret. */
function findSettingClashes(
  definitions: readonly AnyProvider[],
  ownSettings: readonly string[],
): string[] {
  // Of two providers that clash, the later one is reported.
  return definitions.flatMap(({ id }, at) =>
    findPrefixMistakes(id, definitions.slice(0, at), ownSettings),
  );
}

/** What is wrong with the id of a new provider. */
export function findIdMistakes(
  id: string,
  others: readonly AnyProvider[],
  ownSettings: readonly string[],
): readonly string[] {
  const parsed = definition.shape.id.safeParse(id);
  if (!parsed.success) {
    return [`"${id}" is not a valid provider id: use lower case, digits and single hyphens.`];
  }
  if (others.some((other) => other.id === id)) return [`There is a provider "${id}" already.`];
  return findPrefixMistakes(id, others, ownSettings);
}

function findPrefixMistakes(
  id: string,
  others: readonly AnyProvider[],
  ownSettings: readonly string[],
): string[] {
  const prefix = settingPrefix(id);
  const own = ownSettings.find((name) => name.startsWith(prefix));
  const other = others.find((each) => {
    const taken = settingPrefix(each.id);
    return each.id !== id && (prefix.startsWith(taken) || taken.startsWith(prefix));
  });
  return [
    ...(own === undefined
      ? []
      : [
          `provider "${id}": prefix ${prefix} collides with the setting ${own}. Choose another id.`,
        ]),
    ...(other
      ? [
          `provider "${id}": prefix ${prefix} collides with the settings of provider "${other.id}". Choose another id.`,
        ]
      : []),
  ];
}
