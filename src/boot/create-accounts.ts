import { createHash } from 'node:crypto';
import { Secret, type AnyProvider } from '../contract/index.ts';
import { BootError } from '../core/boot-error.ts';
import type { Tenants, TenantRules } from '../core/tenants/tenant-rules.ts';
import {
  createLiveRegistry,
  createRegistry,
  type ProviderSetup,
  type RegisteredProvider,
  type Registry,
} from '../core/upstream/registry.ts';
import type { Log } from '../ports/index.ts';
import type { Config } from './config.ts';
import { defaultTenantRules } from './default-tenant-rules.ts';
import { findUnreadyRoutes } from './find-unready-routes.ts';
import {
  noAccounts,
  readAccountsFile,
  type AccountPlan,
  type AccountsFile,
  type TenantPlan,
} from './read-accounts-file.ts';
import type { Credentials, CredentialSource } from './read-credentials.ts';
import { setUpAccount, setUpProvider } from './set-up-provider.ts';

/** How often the file and the secrets that it names are looked at, as a file system tells of no change everywhere. */
const lookEveryMs = 2000;
/** Credentials with an end are renewed this long before it, or after half of a shorter life. */
const renewBeforeMs = 5 * 60_000;
const renewAgainAfterMs = 10_000;
const leastRenewMs = 1000;
/** How long until credentials that were refused are tried again. */
const tryAgainAfterMs = 30_000;

interface Deps {
  readonly now: () => number;
  readonly log: Log;
  readonly readFile: (path: string) => string;
  readonly parseYaml: (text: string) => unknown;
  readonly readCredentials: (source: CredentialSource) => Promise<Credentials>;
}

/** Whether the provider accepts the credentials; null if it does not tell. */
export type TryAccount = (account: RegisteredProvider) => Promise<boolean | null>;

interface Following {
  readonly tryAccount: TryAccount;
  /** Accounts have changed. */
  readonly changed: (registry: Registry) => Promise<void>;
}

export interface Accounts {
  /** Both show the newest accounts and rules. */
  readonly registry: Registry;
  readonly tenants: Tenants;
  /** What the ledger compares, to tell of changes: nothing without a file. */
  readonly texts: () => Readonly<Record<string, Secret>>;
  /** Whether the file as it is now is refused. */
  readonly isRefused: () => boolean;
  /** From now on changes are used once the provider has accepted them. */
  readonly follow: (following: Following) => void;
  /** Looks at the file now. */
  readonly reload: () => Promise<void>;
  readonly close: () => void;
}

/** What is in use. */
interface State {
  readonly file: AccountsFile;
  readonly digest: string;
  readonly registry: Registry;
}

/** The accounts of providers and the rules of tenants. Throws `BootError`. */
export async function createAccounts(
  deps: Deps,
  config: Config,
  definitions: readonly AnyProvider[],
  emulatedSettings: (id: string) => Readonly<Record<string, string>> | null,
): Promise<Accounts> {
  const { log, now } = deps;
  /** By provider and account, as `keyOf` puts them together. */
  const brought = new Map<string, Credentials>();
  const timers = new Set<NodeJS.Timeout>();
  let following: Following | null = null;
  let isClosed = false;

  const toRegistry = (file: AccountsFile): Registry => {
    const defaults = new Map(
      definitions.map((each) => [each.id, setUpProvider(each, config, emulatedSettings(each.id))]),
    );
    const named = new Map(
      definitions.map((definition) => {
        const plans = [...(file.accounts.get(definition.id) ?? [])];
        const setups = plans.map(
          ([name, plan]) =>
            [
              name,
              setUpAccount(
                definition,
                { name, plan, isOff: config.providers.get(definition.id)?.isOff === true },
                brought.get(keyOf(definition.id, name))?.settings ?? null,
              ),
            ] as const,
        );
        const quotas = withQuotas(
          defaults.get(definition.id),
          setups,
          file.accounts.get(definition.id),
        );
        return [definition.id, quotas] as const;
      }),
    );
    const setupOf = ({ id }: AnyProvider): ProviderSetup => {
      const found = defaults.get(id);
      if (!found) throw new Error(`${id} was not set up`);
      return found;
    };
    const registry = createRegistry(definitions, setupOf, config.routing, named);
    const unready = findUnreadyRoutes(registry);
    if (unready.length > 0) throw new BootError(unready);
    return registry;
  };

  const bring = async (file: AccountsFile): Promise<void> => {
    const sources = sourcesOf(file);
    await Promise.all(sources.map(({ key, source }) => renew(key, source)));
  };

  /** Asks the source, and plans to ask again before the credentials end. */
  const renew = async (key: string, source: CredentialSource): Promise<void> => {
    let nextMs = renewAgainAfterMs;
    try {
      const found = await deps.readCredentials(source);
      brought.set(key, found);
      const leftMs = found.expiresAtMs === null ? Infinity : found.expiresAtMs - now();
      nextMs = Math.max(leastRenewMs, Math.min(leftMs / 2, leftMs - renewBeforeMs), leftMs / 10);
    } catch (error) {
      const [provider = '', account = ''] = key.split(' ');
      const reason = error instanceof Error ? error.message : 'unknown';
      log.event('error', 'credentials_not_fetched', { provider, account, reason });
    }
    if (isClosed || nextMs === Infinity) return;
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        // The file may no longer name the source.
        const isNamed = sourcesOf(state.file).some(
          (each) => each.key === key && JSON.stringify(each.source) === JSON.stringify(source),
        );
        if (isNamed) void renew(key, source).then(() => use(state.file, state.digest));
      },
      Math.min(nextMs, 2 ** 31 - 1),
    );
    timer.unref();
    timers.add(timer);
  };

  const first = readNow(deps, config, definitions);
  if (first.mistakes.length > 0) throw new BootError(first.mistakes);
  await bring(first.file);
  const registry = toRegistry(first.file);
  let state: State = { ...first, registry };
  const live = createLiveRegistry(registry);
  let rules = new Map<string, TenantRules>();

  const use = async (file: AccountsFile, digest: string): Promise<void> => {
    const next = toRegistry(file);
    state = { file, digest, registry: next };
    live.replace(next);
    rules = new Map();
    await following?.changed(next);
  };

  let refusedDigest: string | null = null;
  let tryAgainMs = -Infinity;
  const refuse = (digest: string, reasons: readonly string[]): void => {
    if (refusedDigest === digest) return;
    refusedDigest = digest;
    for (const reason of reasons) log.event('error', 'accounts_refused', { reason });
  };

  const look = async (): Promise<void> => {
    const { file, digest, mistakes } = readNow(deps, config, definitions);
    if (digest === state.digest) {
      refusedDigest = null;
      return;
    }
    if (mistakes.length > 0) return refuse(digest, mistakes);
    // A provider may accept new credentials only some time after they were made.
    if (digest === refusedDigest && now() < tryAgainMs) return;
    tryAgainMs = now() + tryAgainAfterMs;
    const isLive = file.accounts.size > 0;
    if (isLive && config.sandbox) {
      return refuse(digest, ['The sandbox takes no accounts. Restart with credentials.']);
    }
    await bring({ ...file, accounts: onlyNew(state.file, file) });
    let next: Registry;
    try {
      next = toRegistry(file);
    } catch (error) {
      return refuse(digest, error instanceof BootError ? error.lines : ['cannot be used']);
    }
    const wrong = await findRefused(state.registry, next, following?.tryAccount);
    if (wrong.length > 0) {
      return refuse(
        digest,
        wrong.map((name) => `The provider refuses the credentials of ${name}.`),
      );
    }
    refusedDigest = null;
    await use(file, digest);
    const count = [...file.accounts.values()].reduce((sum, { size }) => sum + size, 0);
    log.event('info', 'accounts_loaded', { accounts: count, tenants: file.tenants.size });
  };

  let looking: Promise<void> = Promise.resolve();
  const reload = (): Promise<void> => {
    looking = looking.then(look).catch(() => {});
    return looking;
  };

  return {
    registry: live.registry,
    tenants: {
      rulesOf: (tenantId) => {
        const known = rules.get(tenantId);
        if (known) return known;
        const made = toRules(config, state.file, tenantId);
        // Tenants are named by callers.
        if (rules.size < mostTenants) rules.set(tenantId, made);
        return made;
      },
    },
    texts: () => (config.accountsPath === null ? {} : { ACCOUNTS_FILE: new Secret(state.digest) }),
    isRefused: () => refusedDigest !== null,
    follow: (given) => {
      following = given;
      if (config.accountsPath === null) return;
      const timer = setInterval(() => void reload(), lookEveryMs);
      timer.unref();
      timers.add(timer);
    },
    reload,
    close: () => {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

const mostTenants = 10_000;

const keyOf = (provider: string, account: string): string => `${provider} ${account}`;

function sourcesOf({ accounts }: AccountsFile) {
  return [...accounts].flatMap(([id, plans]) =>
    [...plans].flatMap(([name, { source }]) =>
      source === null ? [] : [{ key: keyOf(id, name), source }],
    ),
  );
}

/** The file as it is now, with a digest of all that was read. */
function readNow(
  { readFile, parseYaml }: Deps,
  { accountsPath, routing }: Config,
  definitions: readonly AnyProvider[],
): { readonly file: AccountsFile; readonly digest: string; readonly mistakes: readonly string[] } {
  const hash = createHash('sha256');
  const noted = (path: string): string => {
    const text = readFile(path);
    hash.update(JSON.stringify([path, text]));
    return text;
  };
  const read =
    accountsPath === null
      ? { file: noAccounts, mistakes: [] }
      : readAccountsFile({ readFile: noted, parseYaml }, accountsPath, { definitions, routing });
  return { ...read, digest: hash.update(read.mistakes.join('\n')).digest('base64url') };
}

/** Accounts whose source is not the one that is in use. */
function onlyNew(before: AccountsFile, after: AccountsFile): AccountsFile['accounts'] {
  return new Map(
    [...after.accounts].map(([id, plans]) => {
      const known = before.accounts.get(id);
      const changed = [...plans].filter(
        ([name, { source }]) =>
          JSON.stringify(known?.get(name)?.source ?? null) !== JSON.stringify(source),
      );
      return [id, new Map(changed)];
    }),
  );
}

/** Names of the accounts whose new settings the provider refuses. */
async function findRefused(
  before: Registry,
  after: Registry,
  tryAccount: TryAccount | undefined,
): Promise<readonly string[]> {
  const changed = after.accounts().filter((account) => {
    const known = before.find(account.definition.id, account.accountName);
    const isSame = JSON.stringify(known?.settings) === JSON.stringify(account.settings);
    return account.disabledReason === null && !(isSame && sameSecrets(known, account));
  });
  const refused = await Promise.all(
    changed.map(async (account) => (await tryAccount?.(account)) === false),
  );
  return changed
    .filter((_account, at) => refused[at])
    .map(({ definition, accountName }) => `accounts.${definition.id}.${accountName}`);
}

/** Secrets hide their values from `JSON.stringify`. */
function sameSecrets(one: RegisteredProvider | undefined, other: RegisteredProvider): boolean {
  const valuesOf = ({ settings }: RegisteredProvider): readonly string[] =>
    Object.values(Object(settings) as object)
      .filter((value): value is Secret => value instanceof Secret)
      .map((value) => value.reveal());
  return one !== undefined && JSON.stringify(valuesOf(one)) === JSON.stringify(valuesOf(other));
}

/**
 * Accounts with the same credential are one account of the provider, whose limits they share. Its name in the quota stays
 * when its credentials are rotated.
 */
function withQuotas(
  byDefault: ProviderSetup | undefined,
  setups: readonly (readonly [string, ProviderSetup & { readonly credentialId: string }])[],
  plans: ReadonlyMap<string, AccountPlan> | undefined,
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
      const quota = quotaOf(plans?.get(name)?.sharesLimitsWith ?? name);
      return [name, { ...setup, ...(quota === undefined ? {} : { quota }) }] as const;
    }),
  );
}

function toRules(config: Config, { tenants }: AccountsFile, tenantId: string): TenantRules {
  const base = defaultTenantRules(config, tenantId);
  const plan: TenantPlan = tenants.get(tenantId) ?? tenants.get('*') ?? {};
  return { ...base, ...plan, velocity: { ...base.velocity, ...plan.velocity } };
}
