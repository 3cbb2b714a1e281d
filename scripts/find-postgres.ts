import { existsSync, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The folder with the programs of PostgreSQL: of PATH, or where Debian puts them. Null if it is not installed. */
export function postgresFolder(): string | null {
  const onPath = (process.env['PATH'] ?? '').split(delimiter);
  const folders = [...onPath, ...globSync('/usr/lib/postgresql/*/bin').toSorted().toReversed()];
  return folders.find((folder) => existsSync(join(folder, 'initdb'))) ?? null;
}
