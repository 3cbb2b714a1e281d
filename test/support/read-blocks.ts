import { readFileSync } from 'node:fs';

/** The named code blocks of a docs page, by name: those that start with "```js name.js" and the like. */
export function readBlocks(path: string): ReadonlyMap<string, string> {
  const text = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const blocks = new Map<string, string>();
  for (const [, name, body] of text.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gmu)) {
    if (name !== undefined && body !== undefined) blocks.set(name, body);
  }
  return blocks;
}
