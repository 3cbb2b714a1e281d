import { z } from 'zod';
import { Secret } from '../contract/index.ts';
import { isLoopback } from '../core/is-loopback.ts';
import { parseRedisUrl } from '../infra/redis/parse-redis-url.ts';
import { readCallbackUrls } from './read-callback-urls.ts';
import {
  readClaims,
  readKeys,
  readList,
  readOrigins,
  readPlainOrigins,
  readRouting,
  readRule,
  readSecrets,
  readTenantNames,
} from './read-setting-values.ts';

/** One setting: an environment variable that belongs to no provider. */
interface Setting {
  /** Reads the text of the variable. Without the variable it gives the default. */
  readonly type: z.ZodType;
  /** The default as docs/settings.md shows it; empty where there is none. */
  readonly default: string;
  /** Secret settings are read into a `Secret`, which no log and no error can print. */
  readonly isSecret?: true;
  /** Settings that make this one necessary, each with its reason. The process refuses to start without it. */
  readonly neededWith?: Readonly<Record<string, string>>;
  /** What the setting does, in Markdown. */
  readonly meaning: string;
}

const port = z.coerce.number('must be a port').int('must be a port').min(1).max(65_535);
const onOrOff = z
  .enum(['on', 'off', 'true', 'false', '1', '0'], 'must be on or off')
  .transform((value) => ['on', 'true', '1'].includes(value));
const autoOnOrOff = z.enum(['auto', 'on', 'off'], 'must be auto, on or off');
const positive = z.coerce.number('must be a number').positive('must be above 0');
const notNegative = z.coerce.number('must be a number').min(0, 'must not be negative');
const secretText = z.string().transform((text) => new Secret(text));
const url = z.url({ protocol: /^https?$/u, error: 'must be an absolute URL' });

/** A text in PEM, in which `\\n` may stand for the end of a line. */
function pem(kind: string) {
  return z
    .string()
    .transform((text) => text.replaceAll('\\n', '\n'))
    .refine(
      (text) => new RegExp(`-----BEGIN [A-Z ]*${kind}-----`, 'u').test(text),
      `must be PEM of a ${kind.toLowerCase()}`,
    );
}

/** In `neededWith`: the credentials of any provider. With them, real providers are called. */
export const withCredentials = 'credentials';

const sameForAllReplicas = 'all replicas must have the same keys, kid:base64 of 32 bytes';

/**
 * All settings, one row each. Reading, checks, boot messages and docs/settings.md use these rows.
 * `npm run settings:print` writes the page.
 */
export const settings = {
  PORT: {
    type: port.default(4001),
    default: '`4001`',
    meaning: 'Port of the main listener.',
  },
  PUBLIC_PORT: {
    type: port.optional(),
    default: '`PORT`; with credentials `PORT` + 1',
    meaning:
      'Port of the listener for browsers and providers. With a port of its own it serves `/return`, `/go` and `/callbacks` only.',
  },
  HOST: {
    type: z.string().min(1).default('127.0.0.1'),
    default: '`127.0.0.1`',
    meaning: 'Address to listen on. The image sets `0.0.0.0`.',
  },
  PUBLIC_URL: {
    type: url
      .refine((text) => !/[?#@]/u.test(text), 'must have no login, no query and no fragment')
      .optional(),
    default: '`http://localhost:PUBLIC_PORT`, in the sandbox only',
    neededWith: {
      [withCredentials]: 'people come back to it, and providers send notifications to it',
    },
    meaning: 'URL under which browsers and providers reach the public listener.',
  },
  REDIS_URL: {
    type: z
      .string()
      .transform((text, context) => {
        const parsed = parseRedisUrl(text);
        if ('mistake' in parsed) context.addIssue(parsed.mistake);
        return new Secret(text);
      })
      .optional(),
    default: 'in memory',
    isSecret: true,
    neededWith: {
      WEBHOOKS_FILE: 'deliveries have to survive a restart',
      [withCredentials]:
        'a restart without it forgets idempotency keys, so a repeat could pay twice',
    },
    meaning:
      '`redis://user:password@host:port/database`, `redis+cluster://host:port,…` or `redis+sentinel://host:port,…/name/database`; `rediss` in the place of `redis` for TLS.',
  },
  REDIS_TLS_CA: {
    type: pem('CERTIFICATE').optional(),
    default: 'the certificates of Node',
    meaning: 'PEM of the authorities that sign the certificates of Redis.',
  },
  REDIS_TLS_CERT: {
    type: pem('CERTIFICATE').optional(),
    default: '',
    neededWith: { REDIS_TLS_KEY: 'a key proves nothing without its certificate' },
    meaning: 'PEM of the certificate that this service shows to Redis.',
  },
  REDIS_TLS_KEY: {
    type: pem('PRIVATE KEY')
      .transform((text) => new Secret(text))
      .optional(),
    default: '',
    isSecret: true,
    neededWith: { REDIS_TLS_CERT: 'a certificate cannot be shown without its key' },
    meaning: 'PEM of its private key.',
  },
  REDIS_TLS_SERVER_NAME: {
    type: z
      .string()
      .regex(/^[\w.-]+$/u, 'must be a host name')
      .optional(),
    default: 'the host in `REDIS_URL`',
    meaning: 'Name in the certificates of Redis, if it differs from the host.',
  },
  REDIS_SENTINEL_USERNAME: {
    type: z.string().optional(),
    default: '',
    meaning: 'User at the sentinels. `REDIS_URL` has the login of the servers.',
  },
  REDIS_SENTINEL_PASSWORD: {
    type: secretText.optional(),
    default: '',
    isSecret: true,
    neededWith: { REDIS_SENTINEL_USERNAME: 'a user needs a password' },
    meaning: 'Password at the sentinels.',
  },
  STORE_ENCRYPTION_KEYS: {
    type: z.string().transform(readKeys).optional(),
    default: '',
    isSecret: true,
    neededWith: { REDIS_URL: sameForAllReplicas, [withCredentials]: sameForAllReplicas },
    meaning:
      '`kid:base64,…`, 32 bytes or more each. The first key encrypts records; every key decrypts.',
  },
  STORE_HASH_KEYS: {
    type: z.string().transform(readKeys).optional(),
    default: 'random, in memory only',
    isSecret: true,
    neededWith: { REDIS_URL: sameForAllReplicas, [withCredentials]: sameForAllReplicas },
    meaning:
      '`kid:base64,…`, 32 bytes or more each. The first key names new entries in Redis; every key finds them.',
  },
  STORE_ALLOW_EVICTION: {
    type: onOrOff.default(false),
    default: '`off`',
    meaning: '`on`: accept a Redis that evicts keys when it is full.',
  },
  ROUTER_SECRETS: {
    type: z.string().transform(readSecrets).optional(),
    default: 'none, in the sandbox only',
    isSecret: true,
    neededWith: {
      [withCredentials]: 'without it, anyone who reaches the port could start paid calls',
    },
    meaning:
      '`secret,…`. The router must send one of them as `x-router-secret`. List two while you rotate.',
  },
  JWT_JWKS_URL: {
    type: url
      .refine((text) => text.startsWith('https:') || isLoopback(text), 'must be https')
      .refine((text) => !/^https?:\/\/[^/]*@/u.test(text), 'must hold no user information')
      .optional(),
    default: '',
    neededWith: {
      JWT_ISSUER: 'tokens cannot be verified without keys',
      JWT_AUDIENCE: 'tokens cannot be verified without keys',
    },
    meaning: 'Key set (JWKS) that verifies callers’ JWTs. It must be https.',
  },
  JWT_ISSUER: {
    type: z.string().trim().min(1, 'must not be blank').optional(),
    default: '',
    neededWith: {
      JWT_JWKS_URL: 'the same keys sign tokens for other services',
      JWT_AUDIENCE: 'the same keys sign tokens for other services',
    },
    meaning: 'Issuer (`iss`) that a JWT must have.',
  },
  JWT_AUDIENCE: {
    type: z
      .string()
      .transform(readList)
      .refine((audiences) => audiences.length > 0, 'must name an audience')
      .optional(),
    default: '',
    neededWith: {
      JWT_JWKS_URL: 'the same keys sign tokens for other services',
      JWT_ISSUER: 'the same keys sign tokens for other services',
    },
    meaning: '`audience,…`: a JWT must have one of them (`aud`).',
  },
  JWT_CLAIMS: {
    type: z
      .string()
      .transform(readClaims)
      .default({ tenant: 'tenant', user: 'sub', scopes: 'scope' }),
    default: '`tenant=tenant,user=sub,scopes=scope`',
    meaning: 'Names of the claims with the tenant, the user and the scopes.',
  },
  TRUST_IDENTITY_HEADERS: {
    type: onOrOff.default(false),
    default: '`off`',
    meaning:
      '`on`: a request with a router secret and without a JWT names its caller in `x-tenant-id`, `x-user-id` and `x-scopes`.',
  },
  VERIFICATION_RETENTION_DAYS: {
    type: positive.default(30),
    default: '`30`',
    meaning: 'Days for which status, checks, times and billing are kept.',
  },
  AUDIT_DAYS: {
    type: positive.default(400),
    default: '`400`',
    meaning:
      'Days for which Redis keeps the entries of the ledger. Older ones stay until a consumer group has taken them.',
  },
  AUDIT_MAX_ENTRIES: {
    type: positive
      .int('must be a whole number')
      .min(1000, 'must be at least 1000')
      .default(200_000),
    default: '`200000`',
    meaning:
      'Entries of the ledger that Redis keeps at most, whether they were taken or not. 10,000 take about 7 MB.',
  },
  REDIRECT_ORIGINS: {
    type: z.string().transform(readOrigins).optional(),
    default: 'any, in the sandbox only',
    neededWith: { [withCredentials]: 'people are sent on to these origins only' },
    meaning: '`origin,…` for all tenants, or `tenant=origin,…;…`: where `redirectUrl` may lead.',
  },
  IDENTITY_FULL_TENANTS: {
    type: z.string().transform(readList).optional(),
    default: 'none; in the sandbox all',
    meaning:
      '`tenant,…`: tenants that may start verifications with `identity: FULL`, which stores names and numbers in clear, encrypted, for at most three days.',
  },
  SUBSCRIPTION_CALLBACK_URLS: {
    type: z.string().transform(readCallbackUrls).default([]),
    default: 'none: subscriptions are refused',
    meaning:
      '`url,…`: where routers receive the values of subscriptions, without the id at the end. A host may be `*.suffix`, or a network such as `10.0.0.0/8` with a port.',
  },
  WEBHOOKS_FILE: {
    type: z.string().optional(),
    default: '',
    meaning:
      'Path of a YAML or JSON file with the endpoints that are told of events ([webhooks](webhooks.md)).',
  },
  ACCOUNTS_FILE: {
    type: z.string().optional(),
    default: '',
    meaning:
      'Path of a YAML or JSON file with further accounts of providers, and the rules of tenants ([accounts](accounts.md)). Changes are used while the service runs.',
  },
  ACCOUNTS_STRICT: {
    type: onOrOff.default(false),
    default: '`off`',
    meaning:
      '`on`: a tenant for which `ACCOUNTS_FILE` names no account of a provider may not use it. Otherwise it uses the account of the environment.',
  },
  TENANT_NAMES: {
    type: z.string().transform(readTenantNames).default(new Map()),
    default: '',
    meaning:
      '`tenant=name;…`: how the page of a handoff names a tenant to people, such as `acme=Acme Bank`.',
  },
  ROUTING: {
    type: z.string().transform(readRouting).default(new Map()),
    default: '',
    meaning:
      '`CHANNEL=provider,…;…`: the first provider serves the channel, later ones are fallbacks.',
  },
  PROVIDERS: {
    // `loadProviders` reads it before all others, because plugins have settings of their own.
    type: z.string().optional(),
    default: '',
    meaning:
      'Further providers, as packages or files: `@acme/idv,./my-provider.ts` ([how to add one](adding-a-provider.md)).',
  },
  PROVIDERS_OFF: {
    type: z.string().transform(readList).default([]),
    default: '',
    meaning: '`provider,…`: providers to switch off. Their part of the schema stays.',
  },
  SANDBOX: {
    type: autoOnOrOff.default('auto'),
    default: '`auto`',
    meaning: '`auto` (the sandbox, unless there are credentials), `on` or `off`.',
  },
  GRAPHIQL: {
    type: autoOnOrOff.default('auto'),
    default: '`auto`',
    meaning: '`auto` (in the sandbox only), `on` or `off`.',
  },
  CORS_ORIGINS: {
    type: z.string().transform(readPlainOrigins).default([]),
    default: 'none',
    meaning:
      '`origin,…`: web pages that may call `/graphql` directly. In the sandbox only: with credentials only the router may.',
  },
  INPUT_CHECKSUMS: {
    type: z.enum(['off', 'warn', 'strict'], 'must be off, warn or strict').optional(),
    default: '`off` in the sandbox; `warn` with credentials',
    meaning:
      'What a wrong check digit of an ID number or card does: nothing, a log line, or `INVALID_INPUT`.',
  },
  BANK_CARD_CACHE_SECONDS: {
    type: notNegative.default(86_400),
    default: '`86400`',
    meaning: 'Seconds for which the same user gets a definite result of a card check again.',
  },
  VELOCITY_USER: {
    type: z.string().transform(readRule).optional(),
    default: 'no limit',
    meaning: 'Calls per user: `30/3600` allows thirty in an hour.',
  },
  VELOCITY_CARD: {
    type: z.string().transform(readRule).optional(),
    default: 'no limit',
    meaning: 'Checks per card number, by all users together.',
  },
  VELOCITY_ID: {
    type: z.string().transform(readRule).optional(),
    default: 'no limit',
    meaning: 'Calls per ID number, by all users together.',
  },
  TENANT_QUOTA_SHARE: {
    type: positive.max(1, 'must be at most 1').optional(),
    default: '`1`',
    meaning: 'Share of a provider’s limit that one tenant may use, such as `0.5`.',
  },
  TENANT_DAILY_CHARGEABLE: {
    type: positive.int('must be a whole number').optional(),
    default: 'no limit',
    meaning: 'Calls per tenant and day that may be charged.',
  },
  LIMIT_GUARD_MS: {
    type: notNegative.default(20),
    default: '`20`',
    meaning: 'Milliseconds by which a call may be sent later than its reserved moment.',
  },
  NODE_USE_ENV_PROXY: {
    type: z
      .enum(['0', '1'], 'must be 1 or 0')
      .transform((value) => value === '1')
      .default(false),
    default: '`0`',
    meaning:
      '`1`: calls to providers, and the fetch of `JWT_JWKS_URL`, go through the proxies below. Without it they are not used. The sandbox calls its own emulations directly.',
  },
  HTTPS_PROXY: {
    type: secretText.optional(),
    default: '`HTTP_PROXY`',
    isSecret: true,
    meaning: 'Proxy for https URLs: `http://user:password@host:port`. Also in lower case.',
  },
  HTTP_PROXY: {
    type: secretText.optional(),
    default: 'none',
    isSecret: true,
    meaning: 'Proxy for http URLs. Also in lower case.',
  },
  NO_PROXY: {
    type: z.string().default(''),
    default: 'none',
    meaning:
      'Hosts that are called without a proxy: `host,.domain,host:port`, or `*`. Also in lower case.',
  },
  SHUTDOWN_DELAY_MS: {
    type: notNegative.max(60_000, 'must be at most 60000').optional(),
    default: '`0` in the sandbox; `5000` with credentials',
    meaning:
      'Milliseconds after SIGTERM in which everything is still served while readiness says `stopping`, so that balancers notice it.',
  },
  PRICES_FILE: {
    type: z.string().optional(),
    default: '',
    meaning:
      'Path of a JSON file with the price of each action, for the command `costs`. The service does not read it.',
  },
  METRICS_TENANTS: {
    type: notNegative.int('must be a whole number').default(50),
    default: '`50`',
    meaning:
      'Number of tenants with labels of their own in metrics. The others share the label `other`.',
  },
  LOG_LEVEL: {
    type: z
      .enum(
        ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
        'must be a level of pino',
      )
      .default('info'),
    default: '`info`',
    meaning: 'Lowest level that is logged, as pino names it.',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;

/** The parsed values, by name. */
export type SettingValues = {
  readonly [Name in SettingName]: z.output<(typeof settings)[Name]['type']>;
};

/** The rows of the table, without the type of each one. */
export const settingRows: readonly (readonly [name: string, setting: Setting])[] =
  Object.entries(settings);
