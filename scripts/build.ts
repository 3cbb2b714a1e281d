import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// Builds what is published: JavaScript with types, because Node rejects TypeScript under node_modules.

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
execFileSync(`${root}node_modules/.bin/tsc`, ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
const isSdl = (path: string): boolean => !/\.[a-z]+$/u.test(path) || path.endsWith('.graphql');
cpSync(`${root}schema`, `${root}dist/schema`, { recursive: true });
cpSync(`${root}providers`, `${root}dist/providers`, { recursive: true, filter: isSdl });
cpSync(`${root}template`, `${root}dist/template`, { recursive: true });
