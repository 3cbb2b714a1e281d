import type { AnyProvider } from '../contract/index.ts';
import { BootError } from '../core/boot-error.ts';
import { createRegistry, type ProviderSetup, type Registry } from '../core/upstream/registry.ts';
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
  const defaults = new Map(
    definitions.map((each) => [each.id, setUpProvider(each, config, emulatedSettings(each.id))]),
  );
  const named = definitions.map((definition) => {
    const { id } = definition;
    const plans = file.accounts.get(id) ?? new Map<string, AccountPlan>();
    const isOff = config.providers.get(id)?.isOff === true;
    const setups = [...plans].map(([name, plan]) => {
      const brought = broughtTo(id, name, plan.source);
      return [name, setUpAccount(definition, { name, plan, isOff }, brought)] as const;
    });
    return [id, withQuotas(defaults.get(id), setups, plans)] as const;
  });
  const setupOf = ({ id }: AnyProvider): ProviderSetup => {
    const found = defaults.get(id);
    if (!found) throw new Error(`${id} was not set up`);
    return found;
  };
  const registry = createRegistry(definitions, setupOf, config.routing, new Map(named));
  const unready = findUnreadyRoutes(registry);
  if (unready.length > 0) throw new BootError(unready);
  return registry;
}

/**
 * Accounts with the same credential are one account of the provider, whose limits they share. Its name in the quota stays
 * when its credentials are rotated.
 */
function withQuotas(
  byDefault: ProviderSetup | undefined,
  setups: readonly (readonly [string, ProviderSetup & { readonly credentialId: string }])[],
  plans: ReadonlyMap<string, AccountPlan>,
): ReadonlyMap<string, ProviderSetup> {
  const owners = new Map<string, string>();
  // The account of the environment is identified by its credential.
  if (byDefault?.disabledReason === null) owners.set(byDefault.account, byDefault.account);
  const sorted = setups.toSorted(([one], [other]) => (one < other ? -1 : 1));
  for (const [name, { credentialId }] of sorted) {
    if (!owners.has(credentialId)) owners.set(credentialId, `@${name}`);
  }
  const quotaOf = (name: string): string | undefined => {
    const found = setups.find(([each]) => each === name);
    return found && owners.get(found[1].credentialId);
  };
  return new Map(
    setups.map(([name, setup]) => {
      const quota = quotaOf(plans.get(name)?.sharesLimitsWith ?? name);
      return [name, { ...setup, ...(quota === undefined ? {} : { quota }) }] as const;
    }),
  );
}
