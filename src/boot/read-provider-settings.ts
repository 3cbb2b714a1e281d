import type { AnyProvider } from '../contract/index.ts';
import { isLoopback } from '../core/is-loopback.ts';
import { nearestOfProvider } from './find-misspelt-settings.ts';
import { missing, parseProviderSettings } from './parse-provider-settings.ts';
import type { GivenSettings } from './read-settings.ts';
import { actionLimitSetting, isEndpointSetting, settingPrefix } from './setting-names.ts';

/** Settings of one provider as they were given, by name without its prefix. */
export interface ProviderSettings {
  readonly given: Readonly<Record<string, string>>;
  readonly perSecond: Readonly<Record<string, number>>;
  readonly isOff: boolean;
}

export interface ReadProviderSettings {
  readonly byId: ReadonlyMap<string, ProviderSettings>;
  /** Full names of the credentials that are given. With any of them, real providers are called. */
  readonly credentials: readonly string[];
  /** One line per mistake: names and what is expected, never a value. */
  readonly mistakes: readonly string[];
}

/** Groups the settings by provider and checks them. */
export function readProviderSettings(
  given: GivenSettings,
  definitions: readonly AnyProvider[],
  off: readonly string[],
): ReadProviderSettings {
  const ids = definitions.map(({ id }) => id);
  const mistakes = off
    .filter((id) => !ids.includes(id))
    .map(() => `PROVIDERS_OFF must name providers: ${ids.join(', ')}.`);

  const byId = new Map<string, ProviderSettings>();
  for (const definition of definitions) {
    const { id } = definition;
    const own = Object.entries(given).filter(([name]) => ownerOf(name, ids) === id);
    const isLimit = ([name]: readonly [string, string]): boolean =>
      name.startsWith(`${settingPrefix(id)}LIMIT_`);
    const limits = readLimits(definition, own.filter(isLimit));
    const settings = Object.fromEntries(
      own
        .filter((entry) => !isLimit(entry))
        .map(([name, value]) => [name.slice(settingPrefix(id).length), value]),
    );
    mistakes.push(
      ...limits.mistakes,
      ...findValueMistakes(definition, settings),
      ...findUnknownCredentials(definition),
    );
    byId.set(id, { given: settings, perSecond: limits.perSecond, isOff: off.includes(id) });
  }

  const credentials = definitions.flatMap(({ id, credentials: names }) =>
    names
      .filter((name) => byId.get(id)?.given[name] !== undefined)
      .map((name) => `${settingPrefix(id)}${name}`),
  );
  mistakes.push(...findEndpointMistakes(byId, credentials.length > 0));
  return { byId, credentials, mistakes };
}

/** The provider with the longest prefix: `TENCENT_CN_` before a `TENCENT_`. */
function ownerOf(name: string, ids: readonly string[]): string | undefined {
  return ids
    .filter((id) => name.startsWith(settingPrefix(id)))
    .toSorted((a, b) => b.length - a.length)
    .at(0);
}

function readLimits(
  { id, actions }: AnyProvider,
  given: readonly (readonly [name: string, value: string])[],
): {
  readonly perSecond: Readonly<Record<string, number>>;
  readonly mistakes: readonly string[];
} {
  // An action that shares another's limit has none of its own to set.
  const limited = Object.keys(actions).filter(
    (action) => actions[action]?.sharesLimitWith === undefined,
  );
  const names = limited.map((action) => actionLimitSetting(id, action));
  const perSecond: Record<string, number> = {};
  const mistakes: string[] = [];
  for (const [name, value] of given) {
    const action = limited[names.indexOf(name)];
    const limit = Number(value);
    if (action === undefined) {
      mistakes.push(`${name} is not a limit of ${id}. Its limits are ${names.join(', ')}.`);
    } else if (Number.isFinite(limit) && limit > 0) perSecond[action] = limit;
    else mistakes.push(`${name} must be a number above 0.`);
  }
  return { perSecond, mistakes };
}

/** A missing setting is a mistake only with credentials, because the sandbox brings its own settings. */
function findValueMistakes(
  definition: AnyProvider,
  given: Readonly<Record<string, string>>,
): readonly string[] {
  const parsed = parseProviderSettings(definition, given);
  if ('settings' in parsed) return [];
  const isReal = definition.credentials.some((name) => given[name] !== undefined);
  return parsed.wrong
    .filter((line) => isReal || !line.endsWith(missing))
    .map((line) => withHint(line, definition));
}

function withHint(line: string, definition: AnyProvider): string {
  const [, name] = /^(\S+) is not a setting of /u.exec(line) ?? [];
  const [meant] = name === undefined ? [] : nearestOfProvider(name, definition);
  return meant === undefined ? line : `${line} Did you mean ${meant}?`;
}

/**
 * A credential that the plugin's schema does not know could never be set, so the service would stay in the
 * sandbox even in production.
 */
function findUnknownCredentials(definition: AnyProvider): readonly string[] {
  return definition.credentials.flatMap((name) => {
    const parsed = parseProviderSettings(definition, { [name]: 'x' });
    const line = `${settingPrefix(definition.id)}${name} is not a setting of ${definition.id}.`;
    return 'wrong' in parsed && parsed.wrong.includes(line)
      ? [`provider "${definition.id}": its schema of settings lacks the credential ${name}.`]
      : [];
  });
}

function findEndpointMistakes(
  byId: ReadonlyMap<string, ProviderSettings>,
  isLive: boolean,
): string[] {
  return [...byId].flatMap(([id, { given }]) =>
    Object.entries(given)
      .filter(([name, value]) => isEndpointSetting(name) && !isLoopback(value))
      .filter(([, value]) => !isLive || !/^https:/iu.test(value))
      .map(([name]) =>
        isLive
          ? `${settingPrefix(id)}${name} must be https: personal data is sent there.`
          : `${settingPrefix(id)}${name} must be a loopback address in the sandbox.`,
      ),
  );
}
