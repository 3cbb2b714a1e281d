import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeFileTrace } from '@vercel/nft';

// Copies the files of packages that the built service and its commands can load into dist/modules/node_modules. The rest of
// the installed packages is types, sources and other entry points.
//
//   node scripts/trace-modules.ts                  with GraphiQL, for a sandbox
//   node scripts/trace-modules.ts --graphiql=off

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'dist/modules');
const withoutGraphiql = process.argv.includes('--graphiql=off');

const { fileList, warnings } = await nodeFileTrace(
  ['dist/server/main.js', 'dist/src/bin.js', 'dist/src/contract/plugin-api.js'].map((file) =>
    join(root, file),
  ),
  {
    ...{ base: root, processCwd: root },
    // `new-provider` copies the template; nothing loads it.
    ignore: ['dist/template/**', ...(withoutGraphiql ? ['node_modules/ruru/**'] : [])],
  },
);
// A file that cannot be parsed could hide what it loads.
const failed = [...warnings].filter(({ message }) => message.startsWith('Failed to parse'));
if (failed.length > 0) throw new Error(failed.map(({ message }) => message).join('\n'));

rmSync(target, { recursive: true, force: true });
let count = 0;
for (const file of fileList) {
  if (!file.startsWith('node_modules/')) continue;
  mkdirSync(dirname(join(target, file)), { recursive: true });
  cpSync(join(root, file), join(target, file), { verbatimSymlinks: true });
  count += 1;
}
console.log(`${count} files of packages are in dist/modules.`);
