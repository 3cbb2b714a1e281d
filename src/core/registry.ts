import {
  contractVersion,
  type ActionEffect,
  type AnyProvider,
  type Breaker,
  type ChannelDefinition,
  type OutcomeSource,
} from '../contract/index.ts';
import { BootError } from './boot-error.ts';
import { faultPolicies } from './fault-policy.ts';

/** How a provider is set up here. */
export interface ProviderSetup {
  /** What its settings schema made of the settings; null while it is not enabled. */
  readonly settings: unknown;
  readonly disabledReason: string | null;
  /** Calls per second by action, where a setting overrides the plugin's. */
  readonly perSecond: Readonly<Record<string, number>>;
  /** Tells accounts of one provider apart: each has a quota of its own. */
  readonly account: string;
}

export interface RegisteredProvider extends ProviderSetup {
  readonly definition: AnyProvider;
}

/** By channel, whose providers serve starts that name none, in order. */
export type Routing = ReadonlyMap<string, readonly string[]>;

export interface Registry {
  readonly all: readonly RegisteredProvider[];
  readonly routing: Routing;
  readonly find: (id: string) => RegisteredProvider | undefined;
}

/** The name under which an action is limited, broken and counted. */
export function actionKey(providerId: string, action: string): string {
  return `${providerId}:${action}`;
}

/** The name under which calls are counted: a quota is an account's. */
export function quotaKey(provider: RegisteredProvider, action: string): string {
  return `${actionKey(provider.definition.id, action)}:${provider.account}`;
}

/** The quota of an action, and how large it is. */
export function quotaOf(
  provider: RegisteredProvider,
  action: string,
): { readonly key: string; readonly perSecond: number } {
  const declared = provider.definition.actions[action];
  if (!declared) throw new Error(`${provider.definition.id} has no action ${action}`);
  const perSecond = provider.perSecond[action] ?? declared.perSecond;
  return { key: quotaKey(provider, action), perSecond };
}

export function isEnabled(provider: RegisteredProvider): boolean {
  return provider.disabledReason === null;
}

export type ProviderState = 'UP' | 'DEGRADED' | 'DOWN';

export function stateOf(provider: RegisteredProvider, breaker: Breaker): ProviderState {
  const actions = Object.keys(provider.definition.actions);
  const open = actions.filter((action) =>
    breaker.isOpen(actionKey(provider.definition.id, action)),
  );
  if (open.length === 0) return 'UP';
  return open.length === actions.length ? 'DOWN' : 'DEGRADED';
}

/** A provider that is not enabled can neither ask nor understand: then nothing is learnt. */
export function outcomeSourceOf(
  { settings, disabledReason }: ProviderSetup,
  { outcome }: ChannelDefinition<unknown>,
): OutcomeSource {
  if (typeof outcome === 'string') return outcome;
  return disabledReason === null ? outcome(settings) : 'NONE';
}

/** What is wrong with the plugins themselves. Throws `BootError`, each line naming the plugin. */
export function checkDefinitions(definitions: readonly AnyProvider[]): void {
  const wrong = [...definitions.flatMap(findMistakes), ...findClashes(definitions)];
  if (wrong.length > 0) throw new BootError(wrong);
}

/** Throws `BootError`, each line naming the plugin that has to be mended. */
export function createRegistry(
  definitions: readonly AnyProvider[],
  setupOf: (definition: AnyProvider) => ProviderSetup,
  routing: Routing = new Map(),
): Registry {
  checkDefinitions(definitions);
  const all = definitions.map((definition) => ({ definition, ...setupOf(definition) }));
  const byId = new Map(all.map((provider) => [provider.definition.id, provider]));
  return { all, routing, find: (id) => byId.get(id) };
}

const effects: readonly ActionEffect[] = ['read', 'free_start', 'may_charge'];

function findMistakes(definition: AnyProvider): string[] {
  const wrong: string[] = [];
  const name = `provider "${definition.id}"`;
  const writtenFor: number = definition.contractVersion;
  if (writtenFor !== contractVersion) {
    wrong.push(
      `${name} was written for contract version ${writtenFor}, this is version ${String(contractVersion)}.`,
    );
  }
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/u.test(definition.id)) {
    wrong.push(`${name}: the id must be lower case, digits and single hyphens.`);
  }
  const actions = definition.actions ?? {};
  for (const [action, declared] of Object.entries(actions)) {
    const { effect, perSecond, maxAnswerBytes, sendAgainAfter = [] } = declared;
    if (!effects.includes(effect)) {
      wrong.push(`${name}: the action ${action} needs an effect: ${effects.join(', ')}.`);
    }
    if (!(perSecond > 0 && Number.isFinite(perSecond))) {
      wrong.push(`${name}: the action ${action} needs a limit: perSecond above 0.`);
    }
    if (!(maxAnswerBytes > 0)) {
      wrong.push(`${name}: the action ${action} needs maxAnswerBytes above 0.`);
    }
    for (const code of sendAgainAfter) {
      const kind = definition.faults[code];
      if (kind !== undefined && faultPolicies.may_charge[kind].claim === 'release') continue;
      wrong.push(
        `${name}: ${action} is sent again after ${code}, so faults must name it with a kind that proves that nothing was done.`,
      );
    }
  }
  const { bankCard } = definition;
  const channels = Object.entries(definition.channels ?? {});
  if (bankCard && !Object.hasOwn(actions, bankCard.action)) {
    wrong.push(`${name}: bankCard calls the action ${bankCard.action}, which is not declared.`);
  }
  for (const [channel, { action }] of channels) {
    if (!Object.hasOwn(actions, action)) {
      wrong.push(`${name}: ${channel} starts by the action ${action}, which is not declared.`);
    }
  }
  if (channels.length === 0 && !bankCard) {
    wrong.push(`${name} has neither a channel nor bank card checks.`);
  }
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
    const fields = new Set(Object.values(channels ?? {}).map(({ optionsField }) => optionsField));
    for (const field of fields) if (field !== null) claim(`the options field ${field}`, id);
  }
  return wrong;
}
