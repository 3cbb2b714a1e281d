import { readFileSync } from 'node:fs';

/** An answer that stands beside its plugin. */
export function readFixture(provider: string, name: string) {
  const path = new URL(`../../providers/${provider}/fixtures/${name}.json`, import.meta.url);
  return { body: JSON.parse(readFileSync(path, 'utf8')) as object };
}
