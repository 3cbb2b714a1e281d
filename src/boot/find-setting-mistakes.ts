// What settings say about each other: names and what is expected, never a value.

type Given = Readonly<Record<string, string>>;

/** Those that concern others, as far as they were read. */
interface ReadSettings {
  readonly PORT: number;
  readonly PUBLIC_PORT?: number | undefined;
  readonly REDIS_URL?: unknown;
  readonly STORE_ENCRYPTION_KEYS?: unknown;
  readonly STORE_HASH_KEYS?: unknown;
  readonly ROUTER_SECRETS?: unknown;
  readonly TRUST_IDENTITY_HEADERS: boolean;
  readonly JWT_JWKS_URL?: unknown;
  readonly JWT_ISSUER?: unknown;
  readonly JWT_AUDIENCE?: unknown;
  readonly BANK_CARD_CACHE_SECONDS: number;
  readonly VERIFICATION_RETENTION_DAYS: number;
}

/** Of sandbox and credentials, whatever else could be read. `credentials`: those given, by full name. */
export function findModeMistakes(given: Given, credentials: readonly string[]): string[] {
  return [
    ...modeMistakes(given['SANDBOX'] ?? 'auto', credentials),
    ...(credentials.length > 0 ? liveMistakes(given) : []),
  ];
}

export function findSettingMistakes(data: ReadSettings, isLive: boolean): string[] {
  return [
    ...accessMistakes(data, isLive),
    ...storeMistakes(data),
    ...lifeMistakes(data),
    ...(isLive && data.PUBLIC_PORT === data.PORT
      ? ['PUBLIC_PORT must differ from PORT: what is for the router is not for browsers.']
      : []),
  ];
}

function modeMistakes(mode: string, credentials: readonly string[]): string[] {
  if (credentials.length > 0 && mode === 'on') {
    return [`SANDBOX=on does not go with credentials. Unset ${credentials.join(', ')}.`];
  }
  return mode === 'off' && credentials.length === 0
    ? ['SANDBOX=off needs the credentials of a provider.']
    : [];
}

/** What real calls need: a store that outlives a process, and callers that are known. */
function liveMistakes(given: Given): string[] {
  const needed = [
    ['REDIS_URL', 'keys that a restart forgets could pay twice'],
    ['ROUTER_SECRETS', 'whoever reaches the port could pay for anybody'],
  ] as const;
  return needed
    .filter(([name]) => given[name] === undefined)
    .map(([name, why]) => `${name} is needed with credentials: ${why}.`);
}

/** Whoever demands a secret has to know the one who has it. */
function accessMistakes(data: ReadSettings, isLive: boolean): string[] {
  if (data.JWT_JWKS_URL === undefined) {
    const others = (['JWT_ISSUER', 'JWT_AUDIENCE'] as const).filter((name) => data[name]);
    const isOpen = !isLive && data.ROUTER_SECRETS === undefined;
    return [
      ...others.map((name) => `${name} needs JWT_JWKS_URL.`),
      ...(isOpen || data.TRUST_IDENTITY_HEADERS
        ? []
        : [
            'JWT_JWKS_URL is needed to know callers, or TRUST_IDENTITY_HEADERS=on to be told by the router.',
          ]),
    ];
  }
  const missingOnes = (['JWT_ISSUER', 'JWT_AUDIENCE'] as const)
    .filter((name) => data[name] === undefined)
    .map((name) => `JWT_JWKS_URL needs ${name}: tokens for others are signed with the same keys.`);
  const trustsAnybody = data.TRUST_IDENTITY_HEADERS && data.ROUTER_SECRETS === undefined;
  return trustsAnybody
    ? [
        ...missingOnes,
        'TRUST_IDENTITY_HEADERS needs ROUTER_SECRETS: headers of anybody would count.',
      ]
    : missingOnes;
}

/** Replicas that share a Redis have to share its keys; a random one would find nothing of theirs. */
function storeMistakes(data: ReadSettings): string[] {
  if (data.REDIS_URL === undefined) return [];
  return (['STORE_ENCRYPTION_KEYS', 'STORE_HASH_KEYS'] as const)
    .filter((name) => data[name] === undefined)
    .map((name) => `REDIS_URL needs ${name}, the same for all replicas: kid:base64 of 32 bytes.`);
}

/** What is remembered has to be named by something that lives as long. */
function lifeMistakes(data: ReadSettings): string[] {
  return data.BANK_CARD_CACHE_SECONDS > data.VERIFICATION_RETENTION_DAYS * 24 * 3600
    ? ['BANK_CARD_CACHE_SECONDS must not be longer than VERIFICATION_RETENTION_DAYS.']
    : [];
}
