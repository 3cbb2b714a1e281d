import damerauLevenshtein from 'damerau-levenshtein';
import type { AnyProvider } from '../contract/index.ts';
import type { GivenSettings } from './read-settings.ts';
import { actionLimitSetting, settingPrefix } from './setting-names.ts';
import { settings } from './settings.ts';

/** How settings of the service begin, and few variables of other software do. */
const ownFamilies = [
  ...['BANK_CARD_', 'CORS_', 'GRAPHIQL_', 'INPUT_', 'JWT_', 'LIMIT_', 'NODE_USE_', 'PROVIDERS_'],
  ...['REDIRECT_', 'REDIS_SENTINEL_', 'REDIS_TLS_', 'ROUTER_', 'SANDBOX_', 'SHUTDOWN_', 'STORE_'],
  ...['TENANT_', 'TRUST_', 'VELOCITY', 'VERIFICATION_'],
];
/**
 * Variables of other software that begin so, or nearly have the name of a setting: proxies of other protocols, the
 * TLS address of a managed Redis, the inputs of a step of a CI, and common names of applications.
 */
const ofOthers =
  /^(?:(?:ALL|FTP|GO|RSYNC|SOCKS)_?PROXY|REDIS_TLS_URL|INPUT_(?!CHECK)\w*|JWT_SECRET|STORE_ID|TENANT_ID|TRUST_STORE|VERIFICATION_SUBGRAPH_\w*)$/u;
/** `HOST` and `PORT` have too many neighbours, such as `POST`. */
const shortestName = 6;
const mostEdits = 2;
/** The names of providers' settings are long. */
const mostEditsOfProvider = 3;

/**
 * Variables that look like a setting of the service or of a provider and are none. A misspelt limit would be no limit,
 * and misspelt credentials would start the sandbox.
 */
export function findMisspeltSettings(
  given: GivenSettings,
  definitions: readonly AnyProvider[],
): string[] {
  const prefixes = definitions.map(({ id }) => settingPrefix(id));
  const isOwned = (name: string): boolean => prefixes.some((prefix) => name.startsWith(prefix));
  return Object.keys(given)
    .filter(
      (name) => !Object.hasOwn(settings, name) && !isOwned(name) && !ofOthers.test(toUpper(name)),
    )
    .flatMap((name) => {
      const meant = findMeant(toUpper(name), given, definitions);
      return meant.length > 0 ? [`${name} is not a setting. Did you mean ${listed(meant)}?`] : [];
    });
}

/** The settings of a provider that are nearly called `name`. */
export function nearestOfProvider(name: string, definition: AnyProvider): readonly string[] {
  return nearest(name, namesOfProvider(definition), mostEditsOfProvider);
}

/** The full names of settings that a definition itself names. */
function namesOfProvider({ id, credentials, actions }: AnyProvider): readonly string[] {
  return [
    ...[...credentials, 'ENDPOINT'].map((each) => `${settingPrefix(id)}${each}`),
    ...Object.keys(actions).map((action) => actionLimitSetting(id, action)),
  ];
}

function findMeant(
  name: string,
  given: GivenSettings,
  definitions: readonly AnyProvider[],
): readonly string[] {
  const own = Object.keys(settings);
  // If the other one is given too, both belong to somebody.
  const others = definitions.flatMap(namesOfProvider).filter((each) => given[each] === undefined);
  const ofProviders = nearest(name, others, mostEditsOfProvider);
  if (ofProviders.length > 0) return ofProviders;
  const near = nearest(name, own, mostEdits).filter((each) => each.length >= shortestName);
  if (near.length > 0) return near;
  const longer = own.filter((each) => each.length >= shortestName && name.startsWith(`${each}_`));
  if (longer.length > 0) return longer.slice(-1);
  const isFamily = name === 'REDIS' || ownFamilies.some((family) => name.startsWith(family));
  const shorter = name.includes('_') ? own.filter((each) => each.startsWith(`${name}_`)) : [];
  return isFamily || shorter.length > 0 ? withMostWords(name, own) : [];
}

function nearest(name: string, known: readonly string[], most: number): readonly string[] {
  // Comparing all names was a tenth of a cold start. Each letter more is an edit.
  const edits = known.map((each) =>
    Math.abs(each.length - name.length) > most ? Infinity : editsBetween(name, each),
  );
  const fewest = Math.min(...edits);
  return fewest <= most ? known.filter((_each, at) => edits[at] === fewest) : [];
}

/** Two letters in the wrong order are one edit, and the order of words is none. */
function editsBetween(one: string, other: string): number {
  const sorted = (name: string): string => name.split('_').toSorted().join('_');
  return Math.min(
    damerauLevenshtein(one, other).steps,
    damerauLevenshtein(sorted(one), sorted(other)).steps,
  );
}

/** The settings that have most first words in common with `name`. */
function withMostWords(name: string, known: readonly string[]): readonly string[] {
  const words = name.split('_');
  for (let most = words.length; most > 0; most--) {
    const start = words.slice(0, most).join('_');
    const found = known.filter((each) => each === start || each.startsWith(`${start}_`));
    if (found.length > 0) return found;
  }
  return [];
}

function listed(names: readonly string[]): string {
  return new Intl.ListFormat('en', { type: 'disjunction' }).format(names);
}

/** `_FILE` names the file of a setting. */
function toUpper(name: string): string {
  return name.toUpperCase().replace(/_FILE$/u, '');
}
