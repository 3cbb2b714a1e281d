import type { z } from 'zod';
import type { AnyProvider } from '../contract/index.ts';
import type { AccountUse, TenantRules } from '../core/tenants/tenant-rules.ts';
import {
  accountsFileSchema,
  accountSchema,
  findForbiddenNames,
  fromIssue,
  tenantSchema,
  toMistake,
  type AccountsFileForm,
} from './accounts-file-schema.ts';
import { findTenantMistakes, type RestOfConfig } from './find-tenant-mistakes.ts';
import { AmbiguousYaml } from './load-yaml-parser.ts';
import type { CredentialSource } from './read-credentials.ts';
import { readFileSettings } from './read-file-settings.ts';
import { readProviderSettings } from './read-provider-settings.ts';
import { settingPrefix } from './setting-names.ts';

/** An account as the file describes it. */
export interface AccountPlan {
  /** Settings by name, without the prefix of the provider. */
  readonly given: Readonly<Record<string, string>>;
  readonly perSecond: Readonly<Record<string, number>>;
  /** Where credentials come from that are not in the file. */
  readonly source: CredentialSource | null;
  /** The account whose limits this one shares. */
  readonly sharesLimitsWith: string | null;
}

/** What the file says about a tenant. The rest is as for every tenant. */
export type TenantPlan = Partial<Omit<TenantRules, 'mayUseDefault' | 'listedDays' | 'velocity'>> & {
  readonly velocity?: Partial<TenantRules['velocity']>;
};

export interface AccountsFile {
  /** By provider id and name. */
  readonly accounts: ReadonlyMap<string, ReadonlyMap<string, AccountPlan>>;
  /** `*` is for tenants that the file does not name. */
  readonly tenants: ReadonlyMap<string, TenantPlan>;
  /** Endpoints of webhooks as they were given, by tenant and name. */
  readonly webhooks: ReadonlyMap<string, Readonly<Record<string, object>>>;
}

interface Deps {
  readonly readFile: (path: string) => string;
  readonly parseYaml: (text: string) => unknown;
}

export const noAccounts: AccountsFile = {
  ...{ accounts: new Map(), tenants: new Map(), webhooks: new Map() },
};

/**
 * The file of ACCOUNTS_FILE, which is YAML or JSON; docs/accounts.md describes it. `mistakes`: one line per mistake, by its
 * path, without a value.
 */
export function readAccountsFile(
  deps: Deps,
  path: string,
  rest: RestOfConfig,
): { readonly file: AccountsFile; readonly mistakes: readonly string[] } {
  let text: unknown;
  try {
    text = deps.parseYaml(deps.readFile(path));
  } catch (error) {
    const message =
      error instanceof AmbiguousYaml ? error.message : 'must name a file with YAML or JSON';
    return { file: noAccounts, mistakes: [toMistake([], message)] };
  }
  const { data = readableParts(text), error } = accountsFileSchema.safeParse(text);
  const read = readAccounts(deps, data, rest);
  const mistakes = [
    ...findForbiddenNames(text),
    ...(error?.issues ?? []).map(fromIssue),
    ...read.mistakes,
    ...findTenantMistakes(data, rest),
  ];
  const webhooks = Object.entries(data.tenants).flatMap(([id, each]) =>
    each.webhooks ? [[id, each.webhooks] as const] : [],
  );
  if (mistakes.length > 0) {
    // They have mistakes of their own, which are told too.
    return { file: { ...noAccounts, webhooks: new Map(webhooks) }, mistakes };
  }
  const tenants = Object.entries(data.tenants).map(([id, each]) => [id, toPlan(each)] as const);
  const { accounts } = read;
  return { file: { accounts, tenants: new Map(tenants), webhooks: new Map(webhooks) }, mistakes };
}

/** Of a file with mistakes, what has none of its own: its other mistakes are told too. */
function readableParts(text: unknown): AccountsFileForm {
  const { accounts, tenants } = Object(text) as { accounts?: unknown; tenants?: unknown };
  const entriesOf = (given: unknown): [string, unknown][] =>
    Object.entries(Object(given) as object);
  return {
    accounts: Object.fromEntries(
      entriesOf(accounts).map(([id, named]) => [id, readable(entriesOf(named), accountSchema)]),
    ),
    tenants: readable(entriesOf(tenants), tenantSchema),
  };
}

function readable<T>(
  entries: readonly (readonly [string, unknown])[],
  type: z.ZodType<T>,
): Record<string, T> {
  return Object.fromEntries(
    entries.flatMap(([name, given]) => {
      const { data, success } = type.safeParse(given);
      return success ? [[name, data] as const] : [];
    }),
  );
}

function readAccounts(
  deps: Deps,
  { accounts }: AccountsFileForm,
  { definitions }: RestOfConfig,
): { readonly accounts: AccountsFile['accounts']; readonly mistakes: readonly string[] } {
  const byProvider = new Map<string, ReadonlyMap<string, AccountPlan>>();
  const mistakes: string[] = [];
  for (const [id, named] of Object.entries(accounts)) {
    const definition = definitions.find((each) => each.id === id);
    if (!definition) {
      const known = definitions.map((each) => each.id).join(', ');
      mistakes.push(toMistake(['accounts', id], `is no provider; there are ${known}`));
      continue;
    }
    const plans = new Map<string, AccountPlan>();
    for (const [name, each] of Object.entries(named)) {
      const path = ['accounts', id, name];
      const { plan, wrong } = readAccount(deps, definition, each);
      mistakes.push(...wrong.map((line) => toAccountMistake(definition, path, line)));
      const { sharesLimitsWith } = plan;
      if (sharesLimitsWith !== null && !Object.hasOwn(named, sharesLimitsWith)) {
        mistakes.push(
          toMistake([...path, 'sharesLimitsWith'], 'must name an account of this provider'),
        );
      }
      plans.set(name, plan);
    }
    byProvider.set(id, plans);
  }
  return { accounts: byProvider, mistakes };
}

function readAccount(
  { readFile }: Deps,
  definition: AnyProvider,
  { credentialSource, sharesLimitsWith, ...settings }: z.output<typeof accountSchema>,
): { readonly plan: AccountPlan; readonly wrong: readonly string[] } {
  const prefix = settingPrefix(definition.id);
  const named = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [`${prefix}${name}`, String(value)]),
  );
  const read = readFileSettings({ readFile }, named, [definition]);
  // What a source brings is not known yet, so it counts as given.
  const brought = credentialSource
    ? definition.credentials.map((name) => [`${prefix}${name}`, 'unknown-until-it-is-asked'])
    : [];
  const all = { ...Object.fromEntries(brought), ...read.given };
  const { byId, credentials, mistakes } = readProviderSettings(all, [definition], []);
  const { given = {}, perSecond = {} } = byId.get(definition.id) ?? {};
  const own = Object.entries(given).filter(([name]) =>
    Object.hasOwn(read.given, `${prefix}${name}`),
  );
  return {
    plan: {
      given: Object.fromEntries(own),
      perSecond,
      source: credentialSource ?? null,
      sharesLimitsWith: sharesLimitsWith ?? null,
    },
    wrong: [
      ...read.mistakes,
      ...mistakes,
      ...(credentials.length === 0 ? ['has no credentials'] : []),
    ],
  };
}

/** Lines about settings begin with their full names. */
function toAccountMistake({ id }: AnyProvider, path: readonly string[], line: string): string {
  const prefix = settingPrefix(id);
  const short = line.replaceAll(prefix, '');
  const [name = '', ...words] = short.split(' ');
  return line.startsWith(prefix)
    ? toMistake([...path, name], words.join(' '))
    : toMistake(path, short);
}

function toPlan(given: AccountsFileForm['tenants'][string]): TenantPlan {
  const { accounts, providers, jurisdictions, routing, shares, redirectOrigins } = given;
  const { retention = {}, limits = {}, languages } = given;
  const [firstLanguage, ...otherLanguages] = languages ?? [];
  const { dailyChargeable, quotaShare, user, card, idNumber } = limits;
  return withoutUndefined({
    displayName: given.name,
    accounts: accounts && new Map(Object.entries(accounts).map(([id, uses]) => [id, toUses(uses)])),
    providers: providers && new Set(providers),
    jurisdictions: jurisdictions && new Set(jurisdictions),
    routing: routing && new Map(Object.entries(routing)),
    shares:
      shares &&
      new Map(Object.entries(shares).map(([name, each]) => [name, new Map(Object.entries(each))])),
    weight: given.weight,
    redirectOrigins: redirectOrigins && new Set(redirectOrigins),
    mostIdentity: given.identity,
    needsConsent: given.requireConsent,
    retentionDays: retention.days,
    personalDays: retention.personalDays,
    bankCardCacheSeconds: retention.cardCacheSeconds,
    languages: firstLanguage && ([firstLanguage, ...otherLanguages] as const),
    velocity: withoutUndefined({
      ...{ user, card, idNumber, tenantShare: quotaShare },
      tenantDaily:
        dailyChargeable === undefined ? undefined : { most: dailyChargeable, seconds: 86_400 },
    }),
  });
}

function toUses(
  uses:
    string | readonly { readonly account: string; readonly for?: readonly string[] | undefined }[],
): readonly AccountUse[] {
  return typeof uses === 'string'
    ? [{ account: uses, uses: null }]
    : uses.map((each) => ({ account: each.account, uses: each.for ?? null }));
}

/** Only what the file says replaces a default. */
function withoutUndefined<T extends object>(
  fields: T,
): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [Name in keyof T]?: Exclude<T[Name], undefined> };
}
