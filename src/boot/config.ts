import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Secret, type AnyProvider, type ChecksumMode } from '../contract/index.ts';
import { BootError } from '../core/boot-error.ts';
import type { VelocityRules } from '../core/callers/velocity-rules.ts';
import type { NamedKey } from '../core/records/keyed-hash.ts';
import type { Routing } from '../core/upstream/registry.ts';
import type { CallbackRule } from '../core/allowed-callback.ts';
import type { JwtRules } from '../http/jwt-reader.ts';
import type { ProxySettings } from '../infra/env-proxy.ts';
import type { WebhookEndpoint } from '../infra/webhooks/webhook-endpoint.ts';
import { findMisspeltSettings } from './find-misspelt-settings.ts';
import { findRoutingMistakes } from './find-routing-mistakes.ts';
import { findModeMistakes, findSettingMistakes } from './find-setting-mistakes.ts';
import { isKubernetesVariable } from './is-kubernetes-variable.ts';
import { noAccounts, readAccountsFile } from './read-accounts-file.ts';
import { readFileSettings } from './read-file-settings.ts';
import { readProviderSettings, type ProviderSettings } from './read-provider-settings.ts';
import { readList } from './read-setting-values.ts';
import { readSettings } from './read-settings.ts';
import { readTenantWebhooks, readWebhooksFile } from './read-webhooks-file.ts';
import { settingPrefix } from './setting-names.ts';
import { settings, type SettingValues } from './settings.ts';

export interface Config {
  readonly host: string;
  readonly port: number;
  /** The same as `port` if one listener serves both. */
  readonly publicPort: number;
  readonly publicUrl: string;
  readonly sandbox: boolean;
  readonly graphiql: boolean;
  /** Web pages that may call `/graphql` directly; in the sandbox only. */
  readonly corsOrigins: readonly string[];
  readonly checksums: ChecksumMode;
  readonly retentionDays: number;
  /** Every setting that was given, by its name. */
  readonly texts: Readonly<Record<string, Secret>>;
  readonly bankCardCacheSeconds: number;
  /** How much of the ledger Redis keeps. */
  readonly auditMostEntries: number;
  readonly auditDays: number;
  readonly velocityRules: VelocityRules;
  readonly limitGuardMs: number;
  readonly logLevel: string;
  /** How many tenants have labels of their own in metrics. */
  readonly metricsTenants: number;
  /** How long everything is still served after SIGTERM, while readiness says that the process stops. */
  readonly shutdownDelayMs: number;
  /** By tenant; `*` is for every tenant. Null: any origin, in the sandbox only. */
  readonly redirectOrigins: ReadonlyMap<string, ReadonlySet<string>> | null;
  readonly hashKeys: readonly [NamedKey, ...NamedKey[]];
  /** Null: the store is in memory. */
  readonly redis: RedisConfig | null;
  /** A request must carry one of them. Empty, in the sandbox only: no secret is needed. */
  readonly routerSecrets: readonly Secret[];
  /** Whether a request with a router secret may name its caller in headers. */
  readonly trustHeaders: boolean;
  /** Null if JWTs are not used. */
  readonly jwt: JwtRules | null;
  /** Null: outgoing calls use no proxy. */
  readonly proxy: ProxySettings | null;
  /** Tenants that may ask for identities in clear. Null: every tenant, in the sandbox only. */
  readonly fullIdentityTenants: ReadonlySet<string> | null;
  /** Whether to accept a Redis that evicts keys when it is full. */
  readonly allowEviction: boolean;
  /** Where routers receive the values of subscriptions. Empty: there are no subscriptions. */
  readonly callbackRules: readonly CallbackRule[];
  /** Empty: no webhooks. */
  readonly webhooks: readonly WebhookEndpoint[];
  /** How people know a tenant. */
  readonly tenantNames: ReadonlyMap<string, string>;
  /** The file with accounts of providers and rules of tenants; null without one. */
  readonly accountsPath: string | null;
  /** Whether a tenant without an account may not use that of the environment. */
  readonly accountsStrict: boolean;
  readonly routing: Routing;
  readonly providers: ReadonlyMap<string, ProviderSettings>;
}

export interface RedisConfig {
  /** It may contain a password. */
  readonly url: Secret;
  readonly encryptionKeys: readonly [NamedKey, ...NamedKey[]];
  /** PEM texts, and the name in the server's certificate. */
  readonly tls: {
    readonly ca: string | undefined;
    readonly cert: string | undefined;
    readonly key: Secret | undefined;
    readonly serverName: string | undefined;
  };
  readonly sentinelLogin: {
    readonly username: string | undefined;
    readonly password: Secret | undefined;
  };
}

/**
 * Reads all settings. Throws `BootError` with all mistakes at once. Each names the setting and what is
 * expected, never the value.
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  definitions: readonly AnyProvider[],
  {
    readFile = (path) => readFileSync(path, 'utf8'),
    parseYaml = JSON.parse,
    areAllLoaded = true,
  }: {
    readonly readFile?: (path: string) => string;
    /** See `loadYamlParser`. */
    readonly parseYaml?: (text: string) => unknown;
    /** False: settings may name providers that could not be loaded. */
    readonly areAllLoaded?: boolean;
  } = {},
): Config {
  const set = Object.fromEntries(
    Object.entries(env).filter(
      // Container platforms set a variable to an empty text to unset it.
      (entry): entry is [string, string] =>
        Boolean(entry[1]) && !isKubernetesVariable(entry[0], entry[1] ?? ''),
    ),
  );
  const named = nameProxies(set);
  const { given, mistakes: wrongFiles } = readFileSettings({ readFile }, named, definitions);
  const off = readList(given['PROVIDERS_OFF'] ?? '');
  const providers = readProviderSettings(given, definitions, off);
  const { values: early } = readSettings(given, []);
  const { ACCOUNTS_FILE: accountsPath } = early;
  const accounts =
    accountsPath === undefined
      ? { file: noAccounts, mistakes: [] }
      : readAccountsFile({ readFile, parseYaml }, accountsPath, {
          definitions,
          routing: early.ROUTING,
          retentionDays: early.VERIFICATION_RETENTION_DAYS,
          bankCardCacheSeconds: early.BANK_CARD_CACHE_SECONDS,
        });
  const credentials = [
    ...providers.credentials,
    ...(accounts.file.accounts.size > 0 ? ['ACCOUNTS_FILE'] : []),
  ];
  const isLive = credentials.length > 0;
  const { values, unreadable, mistakes, missing } = readSettings(given, credentials);
  const combined = [
    ...findModeMistakes(given, credentials),
    ...findSettingMistakes(values, isLive, unreadable),
    ...findRoutingMistakes(values.ROUTING, definitions, areAllLoaded),
  ];
  // Whoever gave a file that cannot be read has not forgotten the setting.
  const isAboutFile = (line: string): boolean =>
    line.includes(' is needed') &&
    wrongFiles.some((each) => each.startsWith(`${line.split(' ')[0]}_FILE `));
  const { WEBHOOKS_FILE: webhooksFile } = values;
  const webhooks =
    webhooksFile === undefined
      ? noWebhooks
      : readWebhooksFile({ readFile, parseYaml }, webhooksFile);
  const tenantWebhooks = readTenantWebhooks(
    { readFile },
    accounts.file.webhooks,
    webhooks.endpoints,
  );
  const wrong = [
    ...wrongFiles,
    ...findMisspeltSettings(given, definitions),
    ...mistakes,
    ...webhooks.mistakes,
    ...accounts.mistakes,
    ...tenantWebhooks.mistakes,
    ...providers.mistakes.filter((line) => !isAboutFile(line)),
    ...missing.filter((line) => !isAboutFile(line)),
    // What a value means for another setting is not known while it cannot be read.
    ...combined.filter((line) => !unreadable.some((name) => line.includes(name))),
  ];
  if (wrong.length > 0) throw new BootError(wrong);
  const known = Object.entries(given).filter(([name]) => isSetting(name, definitions));
  const texts = known.map(([name, text]) => [name, new Secret(text)] as const);
  return {
    ...toConfig(values, isLive, providers.byId, Object.fromEntries(texts)),
    webhooks: [...webhooks.endpoints, ...tenantWebhooks.endpoints],
  };
}

/** The variables of proxies are also written in lower case. Then that one counts, as with curl and undici. */
function nameProxies(set: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const lower = ['https_proxy', 'http_proxy', 'no_proxy'];
  const entries = Object.entries(set);
  const named = entries.filter(([name]) => !lower.includes(name));
  const renamed = entries.filter(([name]) => lower.includes(name));
  return Object.fromEntries([
    ...named,
    ...renamed.map(([name, value]) => [name.toUpperCase(), value]),
  ]);
}

const noWebhooks = { endpoints: [], mistakes: [] } as const;

/** Two probes of a balancer at their usual distance. */
const liveShutdownDelayMs = 5000;

function isSetting(name: string, definitions: readonly AnyProvider[]): boolean {
  return (
    Object.hasOwn(settings, name) ||
    definitions.some(({ id }) => name.startsWith(settingPrefix(id)))
  );
}

function toConfig(
  values: SettingValues,
  isLive: boolean,
  providers: Config['providers'],
  texts: Config['texts'],
): Omit<Config, 'webhooks'> {
  // With credentials, browsers must not reach the port of the router.
  const publicPort = values.PUBLIC_PORT ?? (isLive ? values.PORT + 1 : values.PORT);
  return {
    host: values.HOST,
    port: values.PORT,
    publicPort,
    publicUrl: withoutTrailingSlashes(values.PUBLIC_URL ?? `http://localhost:${publicPort}`),
    sandbox: !isLive,
    graphiql: values.GRAPHIQL === 'on' || (values.GRAPHIQL === 'auto' && !isLive),
    corsOrigins: values.CORS_ORIGINS,
    checksums: values.INPUT_CHECKSUMS ?? (isLive ? 'warn' : 'off'),
    routerSecrets: values.ROUTER_SECRETS ?? [],
    trustHeaders: values.TRUST_IDENTITY_HEADERS,
    jwt: toJwtRules(values),
    proxy: toProxySettings(values),
    allowEviction: values.STORE_ALLOW_EVICTION,
    fullIdentityTenants:
      isLive || values.IDENTITY_FULL_TENANTS ? new Set(values.IDENTITY_FULL_TENANTS) : null,
    texts,
    retentionDays: values.VERIFICATION_RETENTION_DAYS,
    bankCardCacheSeconds: values.BANK_CARD_CACHE_SECONDS,
    auditMostEntries: values.AUDIT_MAX_ENTRIES,
    auditDays: values.AUDIT_DAYS,
    velocityRules: toVelocityRules(values),
    limitGuardMs: values.LIMIT_GUARD_MS,
    logLevel: values.LOG_LEVEL,
    metricsTenants: values.METRICS_TENANTS,
    shutdownDelayMs: values.SHUTDOWN_DELAY_MS ?? (isLive ? liveShutdownDelayMs : 0),
    redirectOrigins: values.REDIRECT_ORIGINS ?? (isLive ? new Map() : null),
    redis: toRedisConfig(values),
    callbackRules: values.SUBSCRIPTION_CALLBACK_URLS,
    tenantNames: values.TENANT_NAMES,
    accountsPath: values.ACCOUNTS_FILE ?? null,
    accountsStrict: values.ACCOUNTS_STRICT,
    routing: values.ROUTING,
    // The memory store ends with the process, so a random key per process is enough.
    hashKeys: values.STORE_HASH_KEYS ?? [randomKey()],
    providers,
  };
}

function toProxySettings(values: SettingValues): ProxySettings | null {
  const { HTTPS_PROXY: httpsProxy, HTTP_PROXY: httpProxy, NO_PROXY: noProxy } = values;
  return values.NODE_USE_ENV_PROXY ? { httpsProxy, httpProxy, noProxy } : null;
}

function toRedisConfig(values: SettingValues): RedisConfig | null {
  const { REDIS_URL: url, STORE_ENCRYPTION_KEYS: encryptionKeys } = values;
  if (!url || !encryptionKeys) return null;
  return {
    ...{ url, encryptionKeys },
    tls: {
      ca: values.REDIS_TLS_CA,
      cert: values.REDIS_TLS_CERT,
      key: values.REDIS_TLS_KEY,
      serverName: values.REDIS_TLS_SERVER_NAME,
    },
    sentinelLogin: {
      username: values.REDIS_SENTINEL_USERNAME,
      password: values.REDIS_SENTINEL_PASSWORD,
    },
  };
}

function toJwtRules(values: SettingValues): JwtRules | null {
  const { JWT_JWKS_URL: jwksUrl, JWT_ISSUER: issuer, JWT_AUDIENCE: audiences } = values;
  return jwksUrl !== undefined && issuer !== undefined && audiences
    ? { jwksUrl, issuer, audiences, claims: values.JWT_CLAIMS }
    : null;
}

function toVelocityRules(values: SettingValues): VelocityRules {
  const mostDaily = values.TENANT_DAILY_CHARGEABLE;
  return {
    user: values.VELOCITY_USER ?? null,
    card: values.VELOCITY_CARD ?? null,
    idNumber: values.VELOCITY_ID ?? null,
    tenantShare: values.TENANT_QUOTA_SHARE ?? null,
    tenantDaily: mostDaily === undefined ? null : { most: mostDaily, seconds: 24 * 3600 },
  };
}

/** Not a regular expression, because its time would grow with the square of the length. */
function withoutTrailingSlashes(url: string): string {
  let end = url.length;
  while (url[end - 1] === '/') end -= 1;
  return url.slice(0, end);
}

function randomKey(): NamedKey {
  return { kid: 'process', key: new Secret(randomBytes(32).toString('base64')) };
}
