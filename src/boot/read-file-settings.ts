import type { AnyProvider } from '../contract/index.ts';
import { parseProviderSettings } from './parse-provider-settings.ts';
import type { GivenSettings } from './read-settings.ts';
import { settingPrefix } from './setting-names.ts';
import { settings } from './settings.ts';

const suffix = '_FILE';

/**
 * Replaces `NAME_FILE` by `NAME` with the text of that file, for the settings of the service and of providers: Docker
 * and Kubernetes hand out secrets as files. Trailing line ends are dropped. One line per mistake, never a value.
 */
export function readFileSettings(
  { readFile }: { readonly readFile: (path: string) => string },
  given: GivenSettings,
  definitions: readonly AnyProvider[],
): { readonly given: GivenSettings; readonly mistakes: readonly string[] } {
  const mistakes: string[] = [];
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    const setting = settingOf(name, definitions);
    if (setting === null) {
      result[name] = value;
    } else if (given[setting] !== undefined) {
      mistakes.push(`${setting} and ${name} exclude each other.`);
    } else {
      try {
        result[setting] = readFile(value).replace(/[\r\n]+$/u, '');
        if (result[setting] === '') mistakes.push(`${name} names a file that is empty.`);
      } catch {
        mistakes.push(`${name} must name a file that can be read.`);
      }
    }
  }
  return { given: result, mistakes };
}

/** The setting that a variable names the file of; null for other variables. */
function settingOf(name: string, definitions: readonly AnyProvider[]): string | null {
  if (!name.endsWith(suffix) || Object.hasOwn(settings, name)) return null;
  const setting = name.slice(0, -suffix.length);
  if (Object.hasOwn(settings, setting)) return setting;
  const owner = definitions
    .filter(({ id }) => setting.startsWith(settingPrefix(id)))
    .toSorted((a, b) => b.id.length - a.id.length)
    .at(0);
  if (!owner) return null;
  // A plugin may have a setting whose own name ends so.
  const own = name.slice(settingPrefix(owner.id).length);
  const parsed = parseProviderSettings(owner, { [own]: 'x' });
  const isUnknown =
    'wrong' in parsed && parsed.wrong.includes(`${name} is not a setting of ${owner.id}.`);
  return isUnknown ? setting : null;
}
