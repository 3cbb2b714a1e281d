import type { AnyProvider, ChannelDefinition, OutcomeSource } from '../../contract/index.ts';
import type { Breaker } from '../../ports/index.ts';

/** The settings of a provider in this deployment. */
export interface ProviderSetup {
  /** Parsed by the settings schema of the plugin; null if the provider is not enabled. */
  readonly settings: unknown;
  readonly disabledReason: string | null;
  /** Calls per second by action, if a setting overrides the plugin's number. */
  readonly perSecond: Readonly<Record<string, number>>;
  /** Identifies the account at the provider. Tokens, cached results and launches belong to one account. */
  readonly account: string;
  /** Identifies whose credentials these are, if the account alone does not: a name may get those of another customer. */
  readonly credentialId?: string;
  /** Accounts with the same quota share the provider's limits; by default each account has its own. */
  readonly quota?: string;
}

/** The name of the account that the settings of the environment describe. */
export const defaultAccount = 'default';

/** In logs: absent for the account of the environment. */
export function toldAccount(name: string): string | undefined {
  return name === defaultAccount ? undefined : name;
}

/** A provider with one of its accounts. */
export interface RegisteredProvider extends ProviderSetup {
  readonly definition: AnyProvider;
  /** `default`, or a name from ACCOUNTS_FILE. */
  readonly accountName: string;
}

/** By channel, the ids of the providers for starts that name none, in order. */
export type Routing = ReadonlyMap<string, readonly string[]>;

export interface Registry {
  /** With the accounts of the environment, one for each provider. */
  readonly all: readonly RegisteredProvider[];
  readonly routing: Routing;
  /** An account that no longer exists is one that is not enabled. Undefined if the plugin is not loaded. */
  readonly find: (id: string, account?: string) => RegisteredProvider | undefined;
  /** All accounts of all providers. */
  readonly accounts: () => readonly RegisteredProvider[];
}

/** What a record tells about its provider. */
interface RecordOfProvider {
  readonly providerId: string;
  readonly account: string;
}

/** The provider of a record, with the account that started it. */
export function findOf(
  registry: Pick<Registry, 'find'>,
  { providerId, account }: RecordOfProvider,
): RegisteredProvider | undefined {
  return registry.find(providerId, account);
}

/** The key of an action for breaker and retry budget, and the start of its quota's key. */
export function actionKey(
  { definition: { id }, accountName }: RegisteredProvider,
  action: string,
): string {
  return accountName === defaultAccount ? `${id}:${action}` : `${id}@${accountName}:${action}`;
}

/** What `actionKey` has put together. */
export function fromActionKey(key: string): {
  readonly provider: string;
  readonly account: string;
  readonly action: string;
} {
  // Ids of providers and names of accounts have no colon and no @. An action may have them.
  const end = key.indexOf(':');
  const [provider = '', account = defaultAccount] = key.slice(0, end).split('@');
  return { provider, account, action: key.slice(end + 1) };
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
  const key = `${id}:${owner}:${provider.quota ?? provider.account}`;
  return { key, perSecond: provider.perSecond[owner] ?? own };
}

/** The accounts of all providers that can be used. */
export function enabledAccounts(registry: Registry): readonly RegisteredProvider[] {
  return registry.accounts().filter(isEnabled);
}

export function isEnabled(provider: RegisteredProvider): boolean {
  return provider.disabledReason === null;
}

export type ProviderState = 'UP' | 'DEGRADED' | 'DOWN';

export function stateOf(provider: RegisteredProvider, breaker: Breaker): ProviderState {
  const actions = Object.keys(provider.definition.actions);
  const open = actions.filter((action) => breaker.isOpen(actionKey(provider, action)));
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

/** The accounts of ACCOUNTS_FILE, by provider and name. */
export type NamedAccounts = ReadonlyMap<string, ReadonlyMap<string, ProviderSetup>>;

/** Expects definitions that `checkDefinitions` has accepted. */
export function createRegistry(
  definitions: readonly AnyProvider[],
  setupOf: (definition: AnyProvider) => ProviderSetup,
  routing: Routing = new Map(),
  named: NamedAccounts = new Map(),
): Registry {
  const all = definitions.map((definition) => ({
    ...{ definition, accountName: defaultAccount },
    ...setupOf(definition),
  }));
  const byId = new Map(
    all.map((provider) => {
      const { definition } = provider;
      const others = [...(named.get(definition.id) ?? [])].map(
        ([accountName, setup]) => [accountName, { definition, accountName, ...setup }] as const,
      );
      return [definition.id, new Map([...others, [defaultAccount, provider]])] as const;
    }),
  );
  return {
    ...{ all, routing },
    find: (id, account = defaultAccount) => {
      const accounts = byId.get(id);
      const known = accounts?.get(account);
      const definition = accounts?.get(defaultAccount)?.definition;
      return known ?? (definition && withoutAccount(definition, account));
    },
    accounts: () => [...byId.values()].flatMap((accounts) => [...accounts.values()]),
  };
}

/** It may have been removed while its verifications are pending. */
function withoutAccount(definition: AnyProvider, accountName: string): RegisteredProvider {
  return {
    ...{ definition, accountName, settings: null, perSecond: {}, account: '' },
    disabledReason: 'Its account is no longer configured.',
  };
}

/** A registry whose accounts can be replaced while it is used. What was found before stays as it was. */
export function createLiveRegistry(first: Registry): {
  readonly registry: Registry;
  readonly replace: (next: Registry) => void;
} {
  let current = first;
  return {
    registry: {
      get all() {
        return current.all;
      },
      get routing() {
        return current.routing;
      },
      find: (id, account) => current.find(id, account),
      accounts: () => current.accounts(),
    },
    replace: (next) => {
      current = next;
    },
  };
}
