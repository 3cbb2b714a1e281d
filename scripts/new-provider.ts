import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtInProviders } from '../providers/index.ts';
import { reservedNames } from '../src/boot/reserved-names.ts';
import { findIdMistakes } from '../src/boot/check-definitions.ts';
import { renameProvider, writeNewProvider } from '../src/new-provider.ts';

// npm run new:provider acme            a provider that ships with the subgraph
// npm run new:provider acme ../acme    a package of its own, which needs the packed subgraph

const root = fileURLToPath(new URL('..', import.meta.url));
const [id = '', folder] = process.argv.slice(2);
const wrong = findIdMistakes(id, builtInProviders, reservedNames);
if (wrong.length > 0) {
  console.error(wrong.join('\n'));
  process.exit(1);
}

if (folder === undefined) {
  const files = writeBuiltIn();
  register();
  run('npx', ['prettier', '--write', '--log-level', 'warn', ...files, 'providers/index.ts']);
  run('npm', ['run', '--silent', 'schema:print']);
  run('npm', ['run', '--silent', 'codegen']);
  console.log(`providers/${id}/ is registered, with an emulation and tests. Next:

  npm test -- ${id}
  npm start`);
} else {
  run('npm', ['pack', '--silent', '--pack-destination', 'dist']);
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    readonly version: string;
  };
  const subgraphSpec = `file:${root}dist/verification-subgraph-${version}.tgz`;
  writeNewProvider({ id, folder: resolve(folder), subgraphSpec });
  console.log(`A provider is in ${folder}. Next: cd ${folder} && npm install && npm test`);
}

/** The files of the template, in the rooms of this repository. */
function writeBuiltIn(): readonly string[] {
  const places: readonly (readonly [from: string, to: string])[] = [
    ...namesIn('src').map((name) => [`src/${name}`, `providers/${id}/${name}`] as const),
    ...namesIn('fixtures').map(
      (name) => [`fixtures/${name}`, `providers/${id}/fixtures/${name}`] as const,
    ),
    ['test/subject.ts', `test/conformance/${id}.ts`],
    ['test/conformance.test.ts', `test/conformance/${id}.test.ts`],
    ['test/sandbox.test.ts', `test/sandbox/${id}-sandbox.test.ts`],
    ['package/README.md', `providers/${id}/README.md`],
  ];
  const taken = places.map(([, to]) => to).filter((to) => existsSync(`${root}${to}`));
  if (taken.length > 0) {
    console.error(`There is ${taken.join(', ')} already.`);
    process.exit(1);
  }
  return places.map(([from, to]) => {
    const text = readFileSync(`${root}template/${from}`, 'utf8')
      .replaceAll('../src/', `../../providers/${id}/`)
      .replaceAll('../fixtures/', `../../providers/${id}/fixtures/`)
      .replaceAll('verification-subgraph/provider', '../../src/contract/plugin-api.ts')
      .replaceAll('verification-subgraph/conformance', '../../src/conformance/index.ts')
      .replaceAll('./subject.ts', `./${id}.ts`);
    mkdirSync(dirname(`${root}${to}`), { recursive: true });
    writeFileSync(`${root}${to}`, renameProvider(text, id));
    return to;
  });
}

function namesIn(part: string): readonly string[] {
  return readdirSync(`${root}template/${part}`).toSorted();
}

/** Its line in the list. */
function register(): void {
  const path = `${root}providers/index.ts`;
  const name = `${renameProvider('myProvider', id)}Provider`;
  const text = readFileSync(path, 'utf8')
    .replace(/\n\n\/\*\*/u, `\nimport { provider as ${name} } from './${id}/index.ts';\n\n/**`)
    .replace(/\];\s*$/u, `, ${name}];\n`);
  writeFileSync(path, text);
}

function run(command: string, parameters: readonly string[]): void {
  execFileSync(command, parameters, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
}
