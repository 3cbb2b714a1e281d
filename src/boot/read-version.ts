import { existsSync, readFileSync } from 'node:fs';

const name = 'verification-subgraph';

/** The version in this package's package.json, from its sources, its build or its bundle; `unknown` without one. */
export function readVersion(): string {
  for (const path of ['../../package.json', '../package.json', '../../../package.json']) {
    const file = new URL(path, import.meta.url);
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly name?: string;
      readonly version?: string;
    };
    if (manifest.name === name) return manifest.version ?? 'unknown';
  }
  return 'unknown';
}
