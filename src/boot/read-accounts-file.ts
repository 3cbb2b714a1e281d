import { z } from 'zod';
import type { AnyProvider } from '../contract/index.ts';
import { isLoopback } from '../core/is-loopback.ts';
import { defaultAccount, type Routing } from '../core/upstream/registry.ts';
import type { AccountUse, TenantRules } from '../core/tenants/tenant-rules.ts';
import type { VelocityRule } from '../ports/index.ts';
import { findRoutingMistakes } from './find-routing-mistakes.ts';
import type { CredentialSource } from './read-credentials.ts';
import { readFileSettings } from './read-file-settings.ts';
import { readProviderSettings } from './read-provider-settings.ts';
import { isOrigin, readRule } from './read-setting-values.ts';
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
export type TenantPlan = Partial<Omit<TenantRules, 'mayUseDefault' | 'velocity'>> & {
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

/** What the rest of the configuration says. */
interface Rest {
  readonly definitions: readonly AnyProvider[];
  readonly routing: Routing;
}

export const noAccounts: AccountsFile = {
  ...{ accounts: new Map(), tenants: new Map(), webhooks: new Map() },
};

const accountName = z
  .string()
  .regex(/^[a-z][\da-z-]{0,31}$/u, 'must be a name of a-z, 0-9 and -')
  .refine((name) => name !== defaultAccount, 'is the account of the environment');

const source = z.union(
  [
    z.strictObject({ command: z.tuple([z.string().min(1)], z.string()) }),
    z.strictObject({ file: z.string().min(1) }),
    z.strictObject({
      url: z.string().refine(isLoopback, 'must be the URL of a loopback address'),
    }),
  ],
  'must be {command: [program, argument, …]}, {file: path} or {url: of a loopback address}',
);

/** The settings themselves are checked by the schema of the plugin. */
const account = z
  .object({ credentialSource: source.optional(), sharesLimitsWith: accountName.optional() })
  .catchall(z.union([z.string(), z.number(), z.boolean()], 'must be a text or a number'));

const rule = z.string().transform((text, context): VelocityRule => readRule(text, context));
const days = z.number('must be a number of days').positive('must be above 0').max(3650);

const tenant = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(80)
    .regex(/^\P{C}*$/u, 'must not have control characters')
    .optional(),
  accounts: z
    .record(
      z.string(),
      z.union([
        z.string(),
        z
          .array(
            z.strictObject({ account: z.string(), for: z.array(z.string()).min(1).optional() }),
          )
          .min(1),
      ]),
    )
    .optional(),
  providers: z.array(z.string()).min(1).optional(),
  jurisdictions: z
    .array(z.enum(['CN', 'INTL'], 'must be CN or INTL'))
    .min(1)
    .optional(),
  routing: z.record(z.string(), z.array(z.string()).min(1)).optional(),
  shares: z
    .record(z.string(), z.record(z.string(), z.number('must be percent').min(0).max(100)))
    .optional(),
  weight: z.number().positive('must be above 0').max(100, 'must be at most 100').optional(),
  redirectOrigins: z
    .array(z.string().refine(isOrigin, 'must be an origin such as https://app.example.com'))
    .min(1)
    .optional(),
  identity: z.enum(['NONE', 'MASKED', 'FULL'], 'must be NONE, MASKED or FULL').optional(),
  requireConsent: z.boolean('must be true or false').optional(),
  retention: z
    .strictObject({
      days: days.optional(),
      personalDays: days.optional(),
      cardCacheSeconds: z.number().min(0, 'must not be negative').optional(),
    })
    .optional(),
  limits: z
    .strictObject({
      user: rule.optional(),
      card: rule.optional(),
      idNumber: rule.optional(),
      dailyChargeable: z.int('must be a whole number').positive('must be above 0').optional(),
      quotaShare: z.number().positive('must be above 0').max(1, 'must be at most 1').optional(),
    })
    .optional(),
  // `readTenantWebhooks` checks them.
  webhooks: z.record(z.string(), z.looseObject({})).optional(),
  languages: z
    .array(z.enum(['zh', 'en'], 'must be zh or en'))
    .min(1, 'must name a language')
    .optional(),
});

const file = z.strictObject({
  accounts: z.record(z.string(), z.record(accountName, account)).default({}),
  tenants: z.record(z.string().min(1).max(255), tenant).default({}),
});

type Given = z.output<typeof file>;

/**
 * The file of ACCOUNTS_FILE, which is YAML or JSON; docs/accounts.md describes it. `mistakes`: one line per mistake, by its
 * path, without a value.
 */
export function readAccountsFile(
  deps: Deps,
  path: string,
  rest: Rest,
): { readonly file: AccountsFile; readonly mistakes: readonly string[] } {
  let text: unknown;
  try {
    text = deps.parseYaml(deps.readFile(path));
  } catch {
    return { file: noAccounts, mistakes: [toMistake([], 'must name a file with YAML or JSON')] };
  }
  const { data = readableParts(text), error } = file.safeParse(text);
  const read = readAccounts(deps, data, rest);
  const mistakes = [
    ...(error?.issues ?? []).map(fromIssue),
    ...read.mistakes,
    ...findTenantMistakes(data, rest),
  ];
  if (mistakes.length > 0) return { file: noAccounts, mistakes };
  const tenants = Object.entries(data.tenants).map(([id, each]) => [id, toPlan(each)] as const);
  const webhooks = Object.entries(data.tenants).flatMap(([id, each]) =>
    each.webhooks ? [[id, each.webhooks] as const] : [],
  );
  const { accounts } = read;
  return { file: { accounts, tenants: new Map(tenants), webhooks: new Map(webhooks) }, mistakes };
}

/** Of a file with mistakes, what has none of its own: its other mistakes are told too. */
function readableParts(text: unknown): Given {
  const { accounts, tenants } = Object(text) as { accounts?: unknown; tenants?: unknown };
  const entriesOf = (given: unknown): [string, unknown][] =>
    Object.entries(Object(given) as object);
  return {
    accounts: Object.fromEntries(
      entriesOf(accounts).map(([id, named]) => [id, readable(entriesOf(named), account)]),
    ),
    tenants: readable(entriesOf(tenants), tenant),
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

function fromIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return toMistake(issue.path, `has unknown members: ${issue.keys.map(toShown).join(', ')}`);
  }
  return toMistake(issue.path, issue.code === 'invalid_key' ? 'is no name' : issue.message);
}

function toMistake(path: readonly PropertyKey[], message: string): string {
  const shown = path.length === 0 ? 'the file' : path.map(toShown).join('.');
  return `ACCOUNTS_FILE: ${shown}: ${message.replace(/\.$/u, '')}.`;
}

/** A name is shown if it is one. Something else may be a value in the wrong place. */
function toShown(name: PropertyKey): string {
  return name === '*' || /^\w[\w-]{0,31}$/u.test(String(name)) ? String(name) : '…';
}

function readAccounts(
  deps: Deps,
  { accounts }: Given,
  { definitions }: Rest,
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
  { credentialSource, sharesLimitsWith, ...settings }: z.output<typeof account>,
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

function findTenantMistakes({ accounts, tenants }: Given, rest: Rest): string[] {
  const { definitions, routing } = rest;
  const ids = definitions.map(({ id }) => id);
  return Object.entries(tenants).flatMap(([tenantId, given]) => {
    const at = (...path: string[]): string[] => ['tenants', tenantId, ...path];
    const unknown = (given.providers ?? []).some((id) => !ids.includes(id));
    const route = new Map([...routing, ...Object.entries(given.routing ?? {})]);
    const { days: kept, personalDays, cardCacheSeconds } = given.retention ?? {};
    return [
      ...(unknown ? [toMistake(at('providers'), `must be of ${ids.join(', ')}`)] : []),
      ...Object.entries(given.accounts ?? {}).flatMap(([id, uses]) =>
        findUseMistakes(
          definitions.find((each) => each.id === id),
          accounts[id] ?? {},
          uses,
        ).map((message) => toMistake(at('accounts', id), message)),
      ),
      ...toRouteMistakes(at('routing'), new Map(Object.entries(given.routing ?? {})), definitions),
      ...Object.entries(given.shares ?? {}).flatMap(([channel, shares]) => {
        const sum = Object.values(shares).reduce((all, each) => all + each, 0);
        const path = at('shares', channel);
        const base = route.get(channel);
        if (!base) return [toMistake(path, 'needs a route for this channel')];
        return [
          ...(sum > 100 ? [toMistake(path, 'must not be more than 100 percent together')] : []),
          ...Object.keys(shares).flatMap((id) =>
            toRouteMistakes(
              path,
              new Map([[channel, [id, ...base.filter((each) => each !== id)]]]),
              definitions,
            ),
          ),
        ];
      }),
      ...(kept !== undefined && (cardCacheSeconds ?? 0) > kept * 86_400
        ? [toMistake(at('retention', 'cardCacheSeconds'), 'must not be longer than days')]
        : []),
      // A redaction finds cached results by the personal part of their checks.
      ...(personalDays !== undefined && (cardCacheSeconds ?? 86_400) > personalDays * 86_400
        ? [toMistake(at('retention', 'personalDays'), 'must not be shorter than cardCacheSeconds')]
        : []),
    ];
  });
}

function toRouteMistakes(
  path: readonly string[],
  routing: Routing,
  definitions: readonly AnyProvider[],
): string[] {
  return findRoutingMistakes(routing, definitions, true).map((line) =>
    toMistake(path, line.replace(/^ROUTING (?:of )?/u, '')),
  );
}

function findUseMistakes(
  definition: AnyProvider | undefined,
  named: object,
  uses:
    string | readonly { readonly account: string; readonly for?: readonly string[] | undefined }[],
): string[] {
  if (!definition) return ['is no provider'];
  const { channels, actions } = definition;
  const known = [...Object.keys(channels), ...Object.keys(actions)];
  const all = typeof uses === 'string' ? [{ account: uses }] : uses;
  return all.flatMap((use) => {
    const isKnown = use.account === defaultAccount || Object.hasOwn(named, use.account);
    const names = 'for' in use ? (use.for ?? []) : [];
    return [
      ...(isKnown ? [] : ['must name accounts of this provider, or default']),
      ...(names.every((name) => known.includes(name))
        ? []
        : [`must be for channels or actions of ${known.join(', ')}`]),
    ];
  });
}

function toPlan(given: Given['tenants'][string]): TenantPlan {
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
