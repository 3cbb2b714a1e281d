import type { AnyProvider, ChannelDefinition, OutcomeSource } from '../../contract/index.ts';
import type { Breaker } from '../../ports/index.ts';

/** The settings of a provider in this deployment. */
export interface ProviderSetup {
  /** Parsed by the settings schema of the plugin; null if the provider is not enabled. */
  readonly settings: unknown;
  readonly disabledReason: string | null;
  /** Calls per second by action, if a setting overrides the plugin's number. */
  readonly perSecond: Readonly<Record<string, number>>;
  /** Identifies the account at the provider. Each account has its own quota. */
  readonly account: string;
}

export interface RegisteredProvider extends ProviderSetup {
  readonly definition: AnyProvider;
}

/** By channel, the ids of the providers for starts that name none, in order. */
export type Routing = ReadonlyMap<string, readonly string[]>;

export interface Registry {
  readonly all: readonly RegisteredProvider[];
  readonly routing: Routing;
  readonly find: (id: string) => RegisteredProvider | undefined;
}

/** The key of an action for breaker and retry budget, and the start of its quota's key. */
export function actionKey(providerId: string, action: string): string {
  return `${providerId}:${action}`;
}

/** The key of a quota. It contains the account, because each account has its own quota. */
export function quotaKey(provider: RegisteredProvider, action: string): string {
  return `${actionKey(provider.definition.id, action)}:${provider.account}`;
}

/** The key and size of the quota that an action uses. */
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

/** `NONE` for a provider that is not enabled: it can neither be polled nor read a notification. */
export function outcomeSourceOf(
  { settings, disabledReason }: ProviderSetup,
  { outcome }: ChannelDefinition<unknown>,
): OutcomeSource {
  if (typeof outcome === 'string') return outcome;
  return disabledReason === null ? outcome(settings) : 'NONE';
}

/** The input paths that a channel requires without options. Those of a setting are not known if it is not enabled. */
export function requiresOf(
  { settings, disabledReason }: ProviderSetup,
  { requires }: ChannelDefinition<unknown>,
): readonly string[] {
  if (typeof requires !== 'function') return requires;
  return disabledReason === null ? requires(settings) : [];
}

/** Whether the provider offers the channel. One that is not enabled counts, so that its callers learn why. */
export function offers(provider: RegisteredProvider, channel: string): boolean {
  const { channels } = provider.definition;
  const found = Object.hasOwn(channels, channel) ? channels[channel] : undefined;
  return (
    found !== undefined && (!isEnabled(provider) || found.isSetUp?.(provider.settings) !== false)
  );
}

/** Expects definitions that `checkDefinitions` has accepted. */
export function createRegistry(
  definitions: readonly AnyProvider[],
  setupOf: (definition: AnyProvider) => ProviderSetup,
  routing: Routing = new Map(),
): Registry {
  const all = definitions.map((definition) => ({ definition, ...setupOf(definition) }));
  const byId = new Map(all.map((provider) => [provider.definition.id, provider]));
  return { all, routing, find: (id) => byId.get(id) };
}
