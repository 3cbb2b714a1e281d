import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { Secret, type AnyProvider, type ChecksumMode } from '../contract/index.ts';
import { BootError } from '../core/boot-error.ts';
import { findRoutingMistakes } from './find-routing-mistakes.ts';
import { isLoopback } from '../core/is-loopback.ts';
import type { NamedKey } from '../core/records/keyed-hash.ts';
import type { Routing } from '../core/upstream/registry.ts';
import { actionLimitSetting, isEndpointSetting, settingPrefix } from './setting-names.ts';
import type { VelocityRules } from '../core/callers/velocity-rules.ts';
import { findModeMistakes, findSettingMistakes } from './find-setting-mistakes.ts';
import type { JwtRules } from '../http/jwt-reader.ts';
import { isRedisUrl } from '../infra/redis/connect-redis.ts';
import {
  readClaims,
  readKeys,
  readList,
  readOrigins,
  readRouting,
  readRule,
  readSecrets,
} from './read-setting-values.ts';

/** Settings of one provider as they were given, by name without its prefix. */
export interface ProviderSettings {
  readonly given: Readonly<Record<string, string>>;
  readonly perSecond: Readonly<Record<string, number>>;
  readonly isOff: boolean;
}

export interface Config {
  readonly host: string;
  readonly port: number;
  /** The same as `port` where one listener serves both. */
  readonly publicPort: number;
  readonly publicUrl: string;
  readonly sandbox: boolean;
  readonly graphiql: boolean;
  readonly checksums: ChecksumMode;
  readonly retentionDays: number;
  readonly bankCardCacheSeconds: number;
  readonly velocityRules: VelocityRules;
  readonly limitGuardMs: number;
  readonly logLevel: string;
  readonly redirectOrigins: ReadonlyMap<string, ReadonlySet<string>> | null;
  readonly hashKeys: readonly [NamedKey, ...NamedKey[]];
  /** Null: everything is kept in memory. */
  readonly redis: RedisConfig | null;
  /** Each opens the graph to the router; none in the sandbox means that nobody has to. */
  readonly routerSecrets: readonly Secret[];
  /** Whether headers beside a router secret say who calls. */
  readonly trustHeaders: boolean;
  /** Null where no tokens are read. */
  readonly jwt: JwtRules | null;
  /** Whether a Redis may be used that forgets keys when it is full. */
  readonly allowEviction: boolean;
  readonly routing: Routing;
  readonly providers: ReadonlyMap<string, ProviderSettings>;
}

export interface RedisConfig {
  /** It may hold a password. */
  readonly url: Secret;
  readonly encryptionKeys: readonly [NamedKey, ...NamedKey[]];
}

type Env = Readonly<Record<string, string | undefined>>;

const port = z.coerce.number('must be a port').int('must be a port').min(1).max(65_535);
const onOrOff = z
  .enum(['on', 'off', 'true', 'false', '1', '0'], 'must be on or off')
  .transform((value) => ['on', 'true', '1'].includes(value));
const positive = z.coerce.number('must be a number').positive('must be above 0');

/** Settings by their names; docs and README list them in this order. */
const settings = {
  PORT: port.default(4001),
  PUBLIC_PORT: port.optional(),
  HOST: z.string().min(1).default('127.0.0.1'),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/u, error: 'must be an absolute URL' })
    .refine((url) => !/[?#]/u.test(url), 'must have no query and no fragment')
    .optional(),
  REDIS_URL: z
    .string()
    .refine(isRedisUrl, 'must be redis://, rediss://, redis+cluster:// or redis+sentinel://')
    .transform((url) => new Secret(url))
    .optional(),
  STORE_ENCRYPTION_KEYS: z.string().transform(readKeys).optional(),
  STORE_HASH_KEYS: z.string().transform(readKeys).optional(),
  STORE_ALLOW_EVICTION: onOrOff.default(false),
  ROUTER_SECRETS: z.string().transform(readSecrets).optional(),
  JWT_JWKS_URL: z
    .url({ protocol: /^https?$/u, error: 'must be an absolute URL' })
    .refine((url) => url.startsWith('https:') || isLoopback(url), 'must be https')
    .refine((url) => !/^https?:\/\/[^/]*@/u.test(url), 'must hold no user information')
    .optional(),
  JWT_ISSUER: z.string().trim().min(1, 'must not be blank').optional(),
  JWT_AUDIENCE: z
    .string()
    .transform(readList)
    .refine((audiences) => audiences.length > 0, 'must name an audience')
    .optional(),
  JWT_CLAIMS: z
    .string()
    .transform(readClaims)
    .default({ tenant: 'tenant', user: 'sub', scopes: 'scope' }),
  TRUST_IDENTITY_HEADERS: onOrOff.default(false),
  VERIFICATION_RETENTION_DAYS: positive.default(30),
  REDIRECT_ORIGINS: z.string().transform(readOrigins).optional(),
  ROUTING: z.string().transform(readRouting).default(new Map()),
  PROVIDERS: z.string().optional(),
  PROVIDERS_OFF: z.string().transform(readList).default([]),
  SANDBOX: z.enum(['auto', 'on', 'off'], 'must be auto, on or off').default('auto'),
  GRAPHIQL: z.enum(['auto', 'on', 'off'], 'must be auto, on or off').default('auto'),
  INPUT_CHECKSUMS: z.enum(['off', 'warn', 'strict'], 'must be off, warn or strict').optional(),
  BANK_CARD_CACHE_SECONDS: z.coerce
    .number('must be a number')
    .min(0, 'must not be negative')
    .default(86_400),
  VELOCITY_USER: z.string().transform(readRule).optional(),
  VELOCITY_CARD: z.string().transform(readRule).optional(),
  VELOCITY_ID: z.string().transform(readRule).optional(),
  TENANT_QUOTA_SHARE: positive.max(1, 'must be at most 1').optional(),
  TENANT_DAILY_CHARGEABLE: positive.int('must be a whole number').optional(),
  LIMIT_GUARD_MS: z.coerce.number('must be a number').min(0, 'must not be negative').default(20),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'must be a level of pino')
    .default('info'),
};

const missing = ' is needed.';

/** Variables of the platform around a process: no plugin shall be handed them as its settings. */
const platformNames = [
  'AWS_SECRET_ACCESS_KEY',
  'AZURE_CLIENT_SECRET',
  'DOCKER_HOST',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'KUBERNETES_SERVICE_HOST',
  'NODE_OPTIONS',
  'NPM_TOKEN',
  'OTEL_EXPORTER_OTLP_HEADERS',
];

/** Settings that are not a provider's, so that none is taken for one. */
export const settingNames: readonly string[] = [...Object.keys(settings), ...platformNames];

/**
 * Reads every setting, once. Throws `BootError` with every mistake at once: names and what is
 * expected, never a value.
 */
export function loadConfig(env: Env, definitions: readonly AnyProvider[]): Config {
  const wrong: string[] = [];
  const given = Object.fromEntries(
    // An empty variable is how a container platform leaves one out.
    Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );

  const parsed = z.object(settings).safeParse(given);
  if (!parsed.success) {
    wrong.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}.`));
  }
  const off = readList(given['PROVIDERS_OFF'] ?? '');
  const providers = readProviders(given, definitions, off);
  wrong.push(...providers.wrong);
  const credentials = givenCredentials(definitions, providers.byId);
  const isLive = credentials.length > 0;
  wrong.push(...findModeMistakes(given, credentials));
  wrong.push(...endpointMistakes(definitions, providers.byId, isLive));
  if (parsed.success) {
    wrong.push(...findSettingMistakes(parsed.data, isLive));
    wrong.push(...findRoutingMistakes(parsed.data.ROUTING, definitions));
  }
  if (!parsed.success || wrong.length > 0) throw new BootError(wrong);

  const { data } = parsed;
  // What is for everybody's browser is apart from what is for the router, outside of the sandbox.
  const publicPort = data.PUBLIC_PORT ?? (isLive ? data.PORT + 1 : data.PORT);
  return {
    host: data.HOST,
    port: data.PORT,
    publicPort,
    publicUrl: withoutTrailingSlashes(data.PUBLIC_URL ?? `http://localhost:${publicPort}`),
    sandbox: !isLive,
    graphiql: data.GRAPHIQL === 'on' || (data.GRAPHIQL === 'auto' && !isLive),
    checksums: data.INPUT_CHECKSUMS ?? (isLive ? 'warn' : 'off'),
    routerSecrets: data.ROUTER_SECRETS ?? [],
    trustHeaders: data.TRUST_IDENTITY_HEADERS,
    jwt:
      data.JWT_JWKS_URL !== undefined && data.JWT_ISSUER !== undefined && data.JWT_AUDIENCE
        ? {
            jwksUrl: data.JWT_JWKS_URL,
            issuer: data.JWT_ISSUER,
            audiences: data.JWT_AUDIENCE,
            claims: data.JWT_CLAIMS,
          }
        : null,
    allowEviction: data.STORE_ALLOW_EVICTION,
    retentionDays: data.VERIFICATION_RETENTION_DAYS,
    bankCardCacheSeconds: data.BANK_CARD_CACHE_SECONDS,
    velocityRules: {
      user: data.VELOCITY_USER ?? null,
      card: data.VELOCITY_CARD ?? null,
      idNumber: data.VELOCITY_ID ?? null,
      tenantShare: data.TENANT_QUOTA_SHARE ?? null,
      tenantDaily:
        data.TENANT_DAILY_CHARGEABLE === undefined
          ? null
          : { most: data.TENANT_DAILY_CHARGEABLE, seconds: 24 * 3600 },
    },
    limitGuardMs: data.LIMIT_GUARD_MS,
    logLevel: data.LOG_LEVEL,
    // Any, in the sandbox only.
    redirectOrigins: data.REDIRECT_ORIGINS ?? (isLive ? new Map() : null),
    // The memory store forgets with the process, so a key of the process is enough.
    redis:
      data.REDIS_URL && data.STORE_ENCRYPTION_KEYS
        ? { url: data.REDIS_URL, encryptionKeys: data.STORE_ENCRYPTION_KEYS }
        : null,
    routing: data.ROUTING,
    hashKeys: data.STORE_HASH_KEYS ?? [randomKey()],
    providers: providers.byId,
  };
}

/** What a plugin's schema makes of its settings, or what is wrong with them by full name. */
export function parseProviderSettings(
  definition: AnyProvider,
  given: Readonly<Record<string, string>>,
): { readonly settings: unknown } | { readonly wrong: readonly string[] } {
  const prefix = settingPrefix(definition.id);
  const name = `provider "${definition.id}"`;
  let parsed: ReturnType<AnyProvider['settings']['~standard']['validate']>;
  try {
    parsed = definition.settings['~standard'].validate(given);
  } catch {
    return { wrong: [`${name}: its schema of settings throws. It has to return issues.`] };
  }
  if (parsed instanceof Promise) {
    // Its end is nobody's any more.
    parsed.catch(() => {});
    return {
      wrong: [`${name}: its schema of settings is asynchronous. It has to answer at once.`],
    };
  }
  if (typeof parsed !== 'object' || parsed === null) {
    return { wrong: [`${name}: its schema of settings returns neither a value nor issues.`] };
  }
  if (!parsed.issues) return { settings: parsed.value };
  return {
    wrong: parsed.issues.flatMap((issue) => {
      // zod's issue for names that are not there has no path.
      const keys = 'keys' in issue && Array.isArray(issue.keys) ? issue.keys.map(String) : [];
      if (keys.length > 0) {
        return keys.map((each) => `${prefix}${each} is not a setting of ${definition.id}.`);
      }
      const [first = ''] = (issue.path ?? []).map((part) =>
        String(typeof part === 'object' ? part.key : part),
      );
      const setting = `${prefix}${first}`;
      return [
        given[first] === undefined
          ? `${setting}${missing}`
          : `${setting} ${withoutValues(issue.message, given)}.`,
      ];
    }),
  };
}

/** Shorter values stand in words by accident. */
const shortestSecret = 4;

/** Some libraries repeat what came. Then nothing is said but that it is wrong. */
function withoutValues(message: string, given: Readonly<Record<string, string>>): string {
  const isOurs = Object.values(given).every(
    (value) => value.length < shortestSecret || !message.includes(value),
  );
  return isOurs ? message : 'is not as it has to be';
}

function readProviders(
  given: Readonly<Record<string, string>>,
  definitions: readonly AnyProvider[],
  off: readonly string[],
): { readonly byId: ReadonlyMap<string, ProviderSettings>; readonly wrong: readonly string[] } {
  const ids = definitions.map(({ id }) => id);
  const wrong = off
    .filter((id) => !ids.includes(id))
    .map(() => `PROVIDERS_OFF must name providers: ${ids.join(', ')}.`);

  const byId = new Map<string, ProviderSettings>();
  for (const definition of definitions) {
    const prefix = settingPrefix(definition.id);
    const own: Record<string, string> = {};
    const perSecond: Record<string, number> = {};
    for (const [name, value] of Object.entries(given)) {
      if (ownerOf(name, ids) !== definition.id) continue;
      const rest = name.slice(prefix.length);
      if (!rest.startsWith('LIMIT_')) {
        own[rest] = value;
        continue;
      }
      // One that shares a limit has none to set.
      const limited = Object.keys(definition.actions).filter(
        (each) => definition.actions[each]?.sharesLimitWith === undefined,
      );
      const action = limited.find((each) => actionLimitSetting(definition.id, each) === name);
      const limit = positive.safeParse(value);
      if (action === undefined) {
        const names = limited.map((each) => actionLimitSetting(definition.id, each));
        wrong.push(
          `${name} is the limit of no action of ${definition.id}. There are ${names.join(', ')}.`,
        );
      } else if (limit.success) perSecond[action] = limit.data;
      else wrong.push(`${name} must be a number above 0.`);
    }
    wrong.push(...settingMistakes(definition, own), ...credentialMistakes(definition));
    byId.set(definition.id, { given: own, perSecond, isOff: off.includes(definition.id) });
  }
  return { byId, wrong };
}

/** A credential that the schema does not know would never be asked for, and the sandbox serve instead. */
function credentialMistakes(definition: AnyProvider): readonly string[] {
  return definition.credentials.flatMap((name) => {
    const parsed = parseProviderSettings(definition, { [name]: 'x' });
    const line = `${settingPrefix(definition.id)}${name} is not a setting of ${definition.id}.`;
    return 'wrong' in parsed && parsed.wrong.includes(line)
      ? [`provider "${definition.id}": its credential ${name} is no setting of its schema.`]
      : [];
  });
}

/** Mistakes in what was given. What is missing counts only with credentials: the sandbox has its own. */
function settingMistakes(
  definition: AnyProvider,
  given: Readonly<Record<string, string>>,
): readonly string[] {
  const parsed = parseProviderSettings(definition, given);
  if ('settings' in parsed) return [];
  const isReal = definition.credentials.some((name) => given[name] !== undefined);
  return parsed.wrong.filter((line) => isReal || !line.endsWith(missing));
}

/** Full names of the credentials that were given: with one of them a real provider is called. */
function givenCredentials(
  definitions: readonly AnyProvider[],
  byId: ReadonlyMap<string, ProviderSettings>,
): string[] {
  return definitions.flatMap((definition) =>
    definition.credentials
      .filter((name) => byId.get(definition.id)?.given[name] !== undefined)
      .map((name) => `${settingPrefix(definition.id)}${name}`),
  );
}

function endpointMistakes(
  definitions: readonly AnyProvider[],
  byId: ReadonlyMap<string, ProviderSettings>,
  isLive: boolean,
): string[] {
  return definitions.flatMap(({ id }) =>
    Object.entries(byId.get(id)?.given ?? {})
      .filter(([name, value]) => isEndpointSetting(name) && !isLoopback(value))
      .filter(([, value]) => !isLive || !/^https:/iu.test(value))
      .map(([name]) =>
        isLive
          ? `${settingPrefix(id)}${name} must be https: people’s data goes there.`
          : `${settingPrefix(id)}${name} must be of this host in the sandbox: nothing real is called there.`,
      ),
  );
}

/** The provider with the longest prefix: `TENCENT_CN_` before a `TENCENT_`. */
function ownerOf(name: string, ids: readonly string[]): string | undefined {
  return ids
    .filter((id) => name.startsWith(settingPrefix(id)))
    .toSorted((a, b) => b.length - a.length)
    .at(0);
}

/** A regular expression for this takes time by the square of the length. */
function withoutTrailingSlashes(url: string): string {
  let end = url.length;
  while (url[end - 1] === '/') end -= 1;
  return url.slice(0, end);
}

function randomKey(): NamedKey {
  return { kid: 'process', key: new Secret(randomBytes(32).toString('base64')) };
}
