import { z } from 'zod';
import { settingRows, withCredentials, type SettingValues } from './settings.ts';

/** Variables of the environment that are set and not empty. */
export type GivenSettings = Readonly<Record<string, string>>;

export interface ReadSettings {
  /** Null where a value could not be read. */
  readonly values: SettingValues | null;
  /** One line per wrong value: its name and what is expected, never the value. */
  readonly mistakes: readonly string[];
  /** One line per setting that others make necessary, and that is not there. */
  readonly missing: readonly string[];
}

/** Reads every setting of the table. `credentials`: those of providers that are given, by full name. */
export function readSettings(given: GivenSettings, credentials: readonly string[]): ReadSettings {
  const shape = Object.fromEntries(settingRows.map(([name, { type }]) => [name, type]));
  const parsed = z.object(shape).safeParse(given);
  return {
    // The shape was made of the rows by whose types `SettingValues` is defined.
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
