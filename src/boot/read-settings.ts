import { settingRows, withCredentials, type SettingValues } from './settings.ts';

/** Variables of the environment that are set and not empty. */
export type GivenSettings = Readonly<Record<string, string>>;

export interface ReadSettings {
  /** A setting whose value could not be read has its default here. */
  readonly values: SettingValues;
  /** The settings whose values could not be read. */
  readonly unreadable: readonly string[];
  /** One line per wrong value: its name and what is expected, never the value. */
  readonly mistakes: readonly string[];
  /** One line per missing setting that other settings make necessary. */
  readonly missing: readonly string[];
}

/** Reads all settings of the table. `credentials`: full names of the given credentials of providers. */
export function readSettings(given: GivenSettings, credentials: readonly string[]): ReadSettings {
  const values: Record<string, unknown> = {};
  const mistakes: string[] = [];
  const unreadable: string[] = [];
  // One by one, so that a wrong value hides no other mistake.
  for (const [name, { type }] of settingRows) {
    const parsed = type.safeParse(given[name]);
    if (parsed.success) {
      values[name] = parsed.data;
      continue;
    }
    unreadable.push(name);
    values[name] = type.safeParse(undefined).data;
    mistakes.push(...new Set(parsed.error.issues.map(({ message }) => `${name} ${message}.`)));
  }
  return {
    // Made from the same rows as the type.
    values: values as SettingValues,
    ...{ mistakes, unreadable },
    missing: findMissing(given, credentials),
  };
}

function findMissing(given: GivenSettings, credentials: readonly string[]): string[] {
  return settingRows
    .filter(([name]) => given[name] === undefined)
    .flatMap(([name, { neededWith = {} }]) =>
      Object.entries(neededWith)
        .filter(([cause]) =>
          cause === withCredentials ? credentials.length > 0 : given[cause] !== undefined,
        )
        // One reason is enough.
        .slice(0, 1)
        .map(([cause, reason]) => `${name} is needed with ${cause}: ${reason}.`),
    );
}
