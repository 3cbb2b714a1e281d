import type { AnyProvider, ChannelDefinition, OutcomeSource } from '../../contract/index.ts';
import type { Breaker } from '../../ports/index.ts';

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
  const { id, actions } = provider.definition;
  const declared = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (!declared) throw new Error(`${id} has no action ${action}`);
  const owner = declared.sharesLimitWith ?? action;
  const own = (actions[owner] ?? declared).perSecond;
  return { key: quotaKey(provider, owner), perSecond: provider.perSecond[owner] ?? own };
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

/** Of definitions that `checkDefinitions` has found fit for each other. */
export function createRegistry(
  definitions: readonly AnyProvider[],
  setupOf: (definition: AnyProvider) => ProviderSetup,
  routing: Routing = new Map(),
): Registry {
  const all = definitions.map((definition) => ({ definition, ...setupOf(definition) }));
  const byId = new Map(all.map((provider) => [provider.definition.id, provider]));
  return { all, routing, find: (id) => byId.get(id) };
}
