import { z } from 'zod';
import { settingRows, withCredentials, type SettingValues } from './settings.ts';

/** Variables of the environment that are set and not empty. */
export type GivenSettings = Readonly<Record<string, string>>;

export interface ReadSettings {
  /** Null if a value could not be read. */
  readonly values: SettingValues | null;
  /** One line per wrong value: its name and what is expected, never the value. */
  readonly mistakes: readonly string[];
  /** One line per missing setting that other settings make necessary. */
  readonly missing: readonly string[];
}

/** Reads all settings of the table. `credentials`: full names of the given credentials of providers. */
export function readSettings(given: GivenSettings, credentials: readonly string[]): ReadSettings {
  const shape = Object.fromEntries(settingRows.map(([name, { type }]) => [name, type]));
  const parsed = z.object(shape).safeParse(given);
  return {
    // The shape is made from the same rows as the type `SettingValues`.
    values: parsed.success ? (parsed.data as SettingValues) : null,
    mistakes: parsed.success
      ? []
      : parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}.`),
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
        .map(([cause, reason]) => `${name} is needed with ${cause}: ${reason}.`),
    );
}
