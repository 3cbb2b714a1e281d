import { createHash } from 'node:crypto';
import { Secret, type AnyProvider } from '../contract/index.ts';
import { BootError } from '../core/boot-error.ts';
import { logBug } from '../core/log-bug.ts';
import type { Tenants, TenantRules } from '../core/tenants/tenant-rules.ts';
import {
  createLiveRegistry,
  type RegisteredProvider,
  type Registry,
} from '../core/upstream/registry.ts';
import type { Log } from '../ports/index.ts';
import type { Config } from './config.ts';
import { defaultTenantRules } from './default-tenant-rules.ts';
import { parseProviderSettings } from './parse-provider-settings.ts';
import {
  noAccounts,
  readAccountsFile,
  type AccountsFile,
  type TenantPlan,
} from './read-accounts-file.ts';
import { createAccountRegistry } from './create-account-registry.ts';
import {
  createCredentialRenewal,
  keyOf,
  sourcesOf,
  type NamedSource,
} from './create-credential-renewal.ts';
import type { Credentials, CredentialSource } from './read-credentials.ts';
import { readTenantWebhooks } from './read-webhooks-file.ts';

/** How often the file and the secrets that it names are looked at, as a file system tells of no change everywhere. */
const lookEveryMs = 2000;
/** How long a file may take to be written. */
const writtenWithinMs = 250;
/** How often a provider that does not answer is asked about changed credentials. Then they are used. */
const mostUndecidedTries = 3;
/** How long until credentials that were refused are tried again. */
const tryAgainAfterMs = 30_000;

interface Deps {
  readonly now: () => number;
  readonly log: Log;
  readonly readFile: (path: string) => string;
  readonly parseYaml: (text: string) => unknown;
  readonly readCredentials: (
    source: CredentialSource,
    names: readonly string[],
    nowMs: number,
  ) => Promise<Credentials>;
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
  let looks: NodeJS.Timeout | undefined;
  let following: Following | null = null;

  const toRegistry = (file: AccountsFile): Registry =>
    createAccountRegistry(config, definitions, {
      file,
      emulatedSettings,
      broughtTo: (provider, account, source) => renewal.broughtBy(keyOf(provider, account, source)),
    });

  const readNamed = async ({ provider, source, given }: NamedSource): Promise<Credentials> => {
    const definition = definitions.find(({ id }) => id === provider);
    if (!definition) throw new Error(`there is no provider ${provider}`);
    const found = await deps.readCredentials(source, definition.credentials, now());
    const parsed = parseProviderSettings(definition, { ...given, ...found.settings });
    if ('wrong' in parsed) throw new Error('the credentials of the source are not complete');
    return found;
  };

  const renewal = createCredentialRenewal({ now, log, readCredentials: readNamed }, async () => {
    // Before the first registry is made, it will be made with what was brought.
    if (isMade) await use(state.file, state.digest).catch(logAsBug);
  });
  const logAsBug = (error: unknown): void => logBug(log, 'accounts file', error);
  let isMade = false;

  const first = readNow(deps, config, definitions);
  if (first.mistakes.length > 0) throw new BootError(first.mistakes);
  /** Null after a look that failed. */
  let seen: ReadNow['texts'] | null = first.texts;
  await renewal.ask(sourcesOf(first.file));
  const registry = toRegistry(first.file);
  let state: State = { ...first, registry };
  const live = createLiveRegistry(registry);
  let rules = new Map<string, TenantRules>();
  isMade = true;

  const use = async (file: AccountsFile, digest: string): Promise<void> => {
    const next = toRegistry(file);
    state = { file, digest, registry: next };
    live.replace(next);
    renewal.keepOnly(sourcesOf(file));
    rules = new Map();
    await following?.changed(next);
  };

  let refusedDigest: string | null = null;
  let tryAgainMs = -Infinity;
  let undecidedTries = 0;
  const refuse = (digest: string, reasons: readonly string[]): void => {
    if (refusedDigest === digest) return;
    refusedDigest = digest;
    for (const reason of reasons) log.event('error', 'accounts_refused', { reason });
  };

  const look = async (): Promise<void> => {
    const isDue = refusedDigest !== null && now() >= tryAgainMs;
    // Without parsing: most looks find nothing new.
    if (!isDue && seen && isUnchanged(deps, seen)) return;
    const read = await readWhole(deps, config, definitions);
    seen = read.texts;
    try {
      await take(read);
    } catch (error) {
      // The next look tries again.
      seen = null;
      throw error;
    }
  };

  const take = async ({ file, digest, mistakes }: ReadNow): Promise<void> => {
    if (digest === state.digest) {
      refusedDigest = null;
      return;
    }
    tryAgainMs = now() + tryAgainAfterMs;
    if (mistakes.length > 0) return refuse(digest, mistakes);
    if (file.accounts.size > 0 && config.sandbox) {
      return refuse(digest, ['The sandbox takes no accounts. Restart with credentials.']);
    }
    const known = sourcesOf(state.file).map(({ key }) => key);
    await renewal.ask(sourcesOf(file).filter(({ key }) => !known.includes(key)));
    let next: Registry;
    try {
      next = toRegistry(file);
    } catch (error) {
      return refuse(digest, error instanceof BootError ? error.lines : ['cannot be used']);
    }
    const changed = changedAccounts(state.file, file, next);
    const tried = await tryAll(changed, following?.tryAccount);
    const refused = tried.filter(({ isAccepted }) => isAccepted === false);
    if (refused.length > 0) {
      // A provider may accept new credentials only some time after they were made, so they are tried again.
      const reasons = refused.map(({ path }) => `The provider refuses the credentials of ${path}.`);
      return refuse(digest, reasons);
    }
    const undecided = tried.filter(({ isAccepted }) => isAccepted === null);
    if (undecided.length > 0 && undecidedTries < mostUndecidedTries) {
      undecidedTries += 1;
      throw new UndecidedTrial();
    }
    undecidedTries = 0;
    refusedDigest = null;
    await use(file, digest);
    const count = [...file.accounts.values()].reduce((sum, { size }) => sum + size, 0);
    log.event('info', 'accounts_loaded', { accounts: count, tenants: file.tenants.size });
  };

  let looking: Promise<void> = Promise.resolve();
  const lookInTurn = (): Promise<void> => {
    looking = looking.then(look).catch((error: unknown) => {
      if (!(error instanceof UndecidedTrial)) logAsBug(error);
    });
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
      looks = setInterval(() => void lookInTurn(), lookEveryMs);
      looks.unref();
    },
    reload: () => {
      tryAgainMs = -Infinity;
      return lookInTurn();
    },
    close: () => {
      clearInterval(looks);
      renewal.close();
    },
  };
}

const mostTenants = 10_000;

interface ReadNow {
  readonly file: AccountsFile;
  readonly mistakes: readonly string[];
  /** Of all that was read. */
  readonly digest: string;
  /** By path; null for a file that could not be read. */
  readonly texts: ReadonlyMap<string, string | null>;
}

/** The file as it is now, with the secrets that it names. */
function readNow(
  { readFile, parseYaml }: Deps,
  { accountsPath, routing, retentionDays, bankCardCacheSeconds }: Config,
  definitions: readonly AnyProvider[],
): ReadNow {
  const texts = new Map<string, string | null>();
  const noted = (path: string): string => {
    const text = orNull(() => readFile(path));
    texts.set(path, text);
    if (text === null) throw new Error('it cannot be read');
    return text;
  };
  const read =
    accountsPath === null
      ? { file: noAccounts, mistakes: [] }
      : readAccountsFile({ readFile: noted, parseYaml }, accountsPath, {
          ...{ definitions, routing, retentionDays, bankCardCacheSeconds },
        });
  const webhooks = readTenantWebhooks({ readFile: noted }, read.file.webhooks, []);
  const mistakes = [...read.mistakes, ...webhooks.mistakes];
  const digest = createHash('sha256')
    .update(JSON.stringify([...texts]))
    .digest('base64url');
  return { file: read.file, mistakes, digest, texts };
}

/** Until it no longer changes: the first half of a YAML file can be a valid file. */
async function readWhole(
  deps: Deps,
  config: Config,
  definitions: readonly AnyProvider[],
): Promise<ReadNow> {
  for (let tries = 0; ; tries++) {
    const read = readNow(deps, config, definitions);
    await sleep(writtenWithinMs);
    if (tries === mostReads || isUnchanged(deps, read.texts)) return read;
  }
}

const mostReads = 20;

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function isUnchanged({ readFile }: Pick<Deps, 'readFile'>, texts: ReadNow['texts']): boolean {
  return [...texts].every(([path, text]) => orNull(() => readFile(path)) === text);
}

function orNull(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** The accounts that have other settings than before, or are new. */
function changedAccounts(
  before: AccountsFile,
  after: AccountsFile,
  registry: Registry,
): readonly RegisteredProvider[] {
  return [...after.accounts].flatMap(([id, plans]) =>
    [...plans].flatMap(([name, plan]) => {
      const known = before.accounts.get(id)?.get(name);
      const isSame = JSON.stringify(known) === JSON.stringify(plan);
      return isSame ? [] : [registry.find(id, name) ?? []].flat();
    }),
  );
}

/** Null for an account whose provider has not answered. */
async function tryAll(
  changed: readonly RegisteredProvider[],
  tryAccount: TryAccount | undefined,
): Promise<readonly { readonly path: string; readonly isAccepted: boolean | null }[]> {
  return Promise.all(
    changed.map(async (account) => {
      const { definition, accountName, disabledReason } = account;
      const path = `accounts.${definition.id}.${accountName}`;
      const isTried = tryAccount && definition.tryCredentials && disabledReason === null;
      return { path, isAccepted: isTried ? await tryAccount(account) : true };
    }),
  );
}

/** The provider did not say whether it accepts changed credentials. The next look asks again. */
class UndecidedTrial extends Error {
  override readonly name = 'UndecidedTrial';
}

function toRules(config: Config, { tenants }: AccountsFile, tenantId: string): TenantRules {
  const base = defaultTenantRules(config, tenantId);
  const plan: TenantPlan = tenants.get(tenantId) ?? tenants.get('*') ?? {};
  return {
    ...{ ...base, ...plan },
    listedDays: Math.max(base.retentionDays, plan.retentionDays ?? 0),
    velocity: { ...base.velocity, ...plan.velocity },
  };
}
