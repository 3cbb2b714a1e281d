import { parseRedisUrl } from '../infra/redis/parse-redis-url.ts';
import type { GivenSettings } from './read-settings.ts';
import type { SettingValues } from './settings.ts';

const lastPort = 65_535;

/**
 * Mistakes in the combination of settings, beyond `neededWith` of the table. One line per mistake: names and
 * what is expected, never a value. `unreadable`: names of settings whose value is none.
 */
export function findSettingMistakes(
  values: SettingValues,
  isLive: boolean,
  unreadable: readonly string[],
): string[] {
  // Whoever wrote something else than 1 or 0 most likely wants the proxy.
  const usesProxy = values.NODE_USE_ENV_PROXY || unreadable.includes('NODE_USE_ENV_PROXY');
  return [
    ...findCallerMistakes(values, isLive),
    ...(usesProxy ? findProxyMistakes(values) : []),
    ...findRedisMistakes(values),
    ...(values.BANK_CARD_CACHE_SECONDS > values.VERIFICATION_RETENTION_DAYS * 24 * 3600
      ? ['BANK_CARD_CACHE_SECONDS must not be longer than VERIFICATION_RETENTION_DAYS.']
      : []),
    ...(isLive && values.CORS_ORIGINS.length > 0
      ? [
          'CORS_ORIGINS is for the sandbox: with credentials a page calls the router, not this service.',
        ]
      : []),
    ...(isLive && values.PUBLIC_PORT === undefined && values.PORT === lastPort
      ? [`PUBLIC_PORT is needed with PORT=${lastPort}: the next one is no port.`]
      : []),
    ...(isLive && values.PUBLIC_PORT === values.PORT
      ? ['PUBLIC_PORT must differ from PORT: browsers must not reach the port of the router.']
      : []),
  ];
}

/** Mistakes in the combination of SANDBOX and credentials. `credentials`: full names of the given ones. */
export function findModeMistakes(given: GivenSettings, credentials: readonly string[]): string[] {
  const mode = given['SANDBOX'] ?? 'auto';
  if (credentials.length > 0 && mode === 'on') {
    return [`SANDBOX=on excludes credentials. Unset ${credentials.join(', ')}.`];
  }
  return mode === 'off' && credentials.length === 0
    ? ['SANDBOX=off needs the credentials of a provider.']
    : [];
}

/** Unless the sandbox is open, a request must identify its caller, by a JWT or by headers of the router. */
function findCallerMistakes(values: SettingValues, isLive: boolean): string[] {
  const hasSecrets = values.ROUTER_SECRETS !== undefined;
  const trustsHeaders = values.TRUST_IDENTITY_HEADERS;
  if (values.JWT_JWKS_URL !== undefined) {
    return trustsHeaders && !hasSecrets
      ? ['TRUST_IDENTITY_HEADERS needs ROUTER_SECRETS: without it, anyone can send the headers.']
      : [];
  }
  const isOpenSandbox = !isLive && !hasSecrets;
  return isOpenSandbox || trustsHeaders
    ? []
    : [
        'JWT_JWKS_URL is needed to identify callers, or TRUST_IDENTITY_HEADERS=on if the router does.',
      ];
}

/** Variables of proxies that are not used may hold anything: other programs read them too. */
function findProxyMistakes(values: SettingValues): string[] {
  const { HTTPS_PROXY, HTTP_PROXY } = values;
  if (!HTTPS_PROXY && !HTTP_PROXY) return ['NODE_USE_ENV_PROXY needs HTTPS_PROXY or HTTP_PROXY.'];
  return Object.entries({ HTTPS_PROXY, HTTP_PROXY })
    .filter(([, url]) => url && !isProxyUrl(url.reveal()))
    .map(([name]) => `${name} must be the URL of a proxy, such as http://proxy.example.com:3128.`);
}

/** A certificate that is given is meant to be used: it must not end in an unencrypted connection. */
function findRedisMistakes(values: SettingValues): string[] {
  const parsed = parseRedisUrl(values.REDIS_URL?.reveal() ?? '');
  if ('mistake' in parsed) return [];
  const { isTls, kind } = parsed.target;
  const { REDIS_TLS_CA, REDIS_TLS_CERT, REDIS_TLS_KEY, REDIS_TLS_SERVER_NAME } = values;
  const { REDIS_SENTINEL_USERNAME, REDIS_SENTINEL_PASSWORD } = values;
  const unused = {
    'needs rediss in REDIS_URL': isTls
      ? {}
      : { REDIS_TLS_CA, REDIS_TLS_CERT, REDIS_TLS_KEY, REDIS_TLS_SERVER_NAME },
    'needs +sentinel in REDIS_URL':
      kind === 'sentinel' ? {} : { REDIS_SENTINEL_USERNAME, REDIS_SENTINEL_PASSWORD },
  };
  return Object.entries(unused).flatMap(([message, names]) =>
    Object.entries(names)
      .filter(([, value]) => value !== undefined)
      .map(([name]) => `${name} ${message}.`),
  );
}

function isProxyUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}
