import type { AnyProvider } from '../contract/index.ts';
import { BootError } from '../core/boot-error.ts';
import {
  createRegistry,
  defaultAccount,
  type ProviderSetup,
  type Registry,
} from '../core/upstream/registry.ts';
import type { Config } from './config.ts';
import { findUnreadyRoutes } from './find-unready-routes.ts';
import type { AccountPlan, AccountsFile } from './read-accounts-file.ts';
import type { CredentialSource } from './read-credentials.ts';
import { setUpAccount, setUpProvider } from './set-up-provider.ts';

interface Given {
  readonly file: AccountsFile;
  /** Null outside of the sandbox. */
  readonly emulatedSettings: (id: string) => Readonly<Record<string, string>> | null;
  /** What the source of an account has given; null if that is nothing. */
  readonly broughtTo: (
    provider: string,
    account: string,
    source: CredentialSource | null,
  ) => Readonly<Record<string, string>> | null;
}

/** The providers with the account of the environment and those of the file. Throws `BootError`. */
export function createAccountRegistry(
  config: Config,
  definitions: readonly AnyProvider[],
  { file, emulatedSettings, broughtTo }: Given,
): Registry {
  const providers = new Map(
    definitions.map((definition) => {
      const { id } = definition;
      const plans = file.accounts.get(id) ?? new Map<string, AccountPlan>();
      const isOff = config.providers.get(id)?.isOff === true;
      const setups = [...plans].map(([name, plan]) => {
        const brought = broughtTo(id, name, plan.source);
        return [name, setUpAccount(definition, { name, plan, isOff }, brought)] as const;
      });
      const byDefault = setUpProvider(definition, config, emulatedSettings(id));
      const all = new Map([[defaultAccount, byDefault], ...setups]);
      return [id, withSharedLimits(definition, all, plans)] as const;
    }),
  );
  const setupOf = ({ id }: AnyProvider): ProviderSetup => {
    const found = providers.get(id)?.get(defaultAccount);
    if (!found) throw new Error(`${id} was not set up`);
    return found;
  };
  const registry = createRegistry(definitions, setupOf, config.routing, providers);
  const unready = findUnreadyRoutes(registry);
  if (unready.length > 0) throw new BootError(unready);
  return registry;
}

/**
 * The provider counts all accounts with the same credential together, and those that `sharesLimitsWith` joins. They have one
 * quota, with the smallest of their limits. Its name stays when a credential is rotated.
 */
function withSharedLimits(
  { actions }: AnyProvider,
  setups: ReadonlyMap<string, ProviderSetup>,
  plans: ReadonlyMap<string, AccountPlan>,
): ReadonlyMap<string, ProviderSetup> {
  const groups: Set<string>[] = [];
  const join = (names: readonly string[]): void => {
    const joined = groups.filter((group) => names.some((name) => group.has(name)));
    for (const group of joined) groups.splice(groups.indexOf(group), 1);
    groups.push(new Set([...names, ...joined.flatMap((group) => [...group])]));
  };
  const used = [...setups].filter(
    ([name, { disabledReason }]) => name !== defaultAccount || disabledReason === null,
  );
  for (const [name, { credentialId }] of used) {
    const same = used.filter(([, each]) => each.credentialId === credentialId);
    const shared = plans.get(name)?.sharesLimitsWith ?? name;
    join([name, shared, ...same.map(([each]) => each)]);
  }
  return new Map(
    [...setups].map(([name, setup]) => {
      const group = [...(groups.find((each) => each.has(name)) ?? [])].toSorted();
      if (group.length < 2) return [name, setup] as const;
      const members = group.flatMap((each) => setups.get(each) ?? []);
      const byDefault = group.includes(defaultAccount) ? setups.get(defaultAccount) : undefined;
      const smallest = Object.entries(actions).map(([action, { perSecond }]) => [
        action,
        Math.min(...members.map((each) => each.perSecond[action] ?? perSecond)),
      ]);
      const quota = byDefault?.account ?? `@${group[0]}`;
      return [name, { ...setup, quota, perSecond: Object.fromEntries(smallest) }] as const;
    }),
  );
}
