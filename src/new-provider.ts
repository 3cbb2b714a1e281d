import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtInProviders } from '../providers/index.ts';
import { reservedNames } from './boot/reserved-names.ts';
import { BootError } from './core/boot-error.ts';
import { findIdMistakes } from './boot/check-definitions.ts';

export interface NewProvider {
  /** `acme-idv` */
  readonly id: string;
  /** The folder for its package. It must be empty or not exist. */
  readonly folder: string;
  /** The version range or path of this package for the new package.json. */
  readonly subgraphSpec: string;
}

const template = fileURLToPath(new URL('../template/', import.meta.url));
/** Files that npm does not publish under their real name, by their name in the template. */
const renamed: Readonly<Record<string, string>> = { gitignore: '.gitignore' };

/** Writes a package with a small complete provider. Throws `BootError`. Returns the files. */
export function writeNewProvider({ id, folder, subgraphSpec }: NewProvider): readonly string[] {
  const wrong = findIdMistakes(id, builtInProviders, reservedNames);
  if (wrong.length > 0) throw new BootError(wrong);
  const isTaken = existsSync(folder) && !(statSync(folder).isDirectory() && isEmpty(folder));
  if (isTaken) {
    throw new BootError([`${relative('.', folder)} already exists and is not an empty folder.`]);
  }
  const own = filesIn(join(template, 'package')).map(
    (name) => [`package/${name}`, renamed[name] ?? name] as const,
  );
  const shared = ['src', 'test', 'fixtures'].flatMap((part) =>
    filesIn(join(template, part)).map((name) => [`${part}/${name}`, `${part}/${name}`] as const),
  );
  return [...own, ...shared].map(([from, to]) => {
    const text = renameProvider(readFileSync(join(template, from), 'utf8'), id);
    const path = join(folder, to);
    mkdirSync(dirname(path), { recursive: true });
    const isManifest = to === 'package.json';
    writeFileSync(path, isManifest ? withSpec(text, subgraphSpec) : text);
    return path;
  });
}

/** Replaces `my-provider`, the name of the template, in every spelling. */
export function renameProvider(text: string, id: string): string {
  const words = id.split('-');
  const pascal = words.map(capitalise).join('');
  return text
    .replaceAll('MY_PROVIDER', words.join('_').toUpperCase())
    .replaceAll('MyProvider', pascal)
    .replaceAll('myProvider', `${pascal.slice(0, 1).toLowerCase()}${pascal.slice(1)}`)
    .replaceAll('my-provider', id)
    .replaceAll('My provider', capitalise(words.join(' ')));
}

/**
 * The dependency spec that gives a package this same version of this package: the file that npm installed it from
 * if there was one, or else the version.
 */
export function ownSpec(): string {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const modules = resolve(root, '..');
  const lock = join(modules, '.package-lock.json');
  if (!existsSync(lock)) return `^${version}`;
  const { packages } = JSON.parse(readFileSync(lock, 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly resolved?: string }>>;
  };
  const { resolved = '' } = packages['node_modules/verification-subgraph'] ?? {};
  return resolved.startsWith('file:')
    ? `file:${resolve(modules, '..', resolved.slice('file:'.length))}`
    : `^${version}`;
}

function capitalise(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

function withSpec(manifest: string, spec: string): string {
  const parsed = JSON.parse(manifest) as { readonly devDependencies: Record<string, string> };
  parsed.devDependencies['verification-subgraph'] = spec;
  return `${JSON.stringify(parsed, null, 2)}\n`;
}

function isEmpty(folder: string): boolean {
  return readdirSync(folder).length === 0;
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder).toSorted();
}
