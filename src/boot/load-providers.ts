import { existsSync, readFileSync, statSync } from 'node:fs';
import module from 'node:module';
import { extname, join, resolve as resolvePath } from 'node:path';
import { pathToFileURL } from 'node:url';
import { builtInProviders } from '../../providers/index.ts';
import type { AnyProvider } from '../contract/index.ts';
import { BootError } from '../core/boot-error.ts';
import { withTimeout } from '../core/with-timeout.ts';
import { redactEnvValues } from './redact-env-values.ts';
import { readList } from './read-setting-values.ts';

const loadWithinMs = 10_000;

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The built-in providers, and those that PROVIDERS names: packages (`@acme/idv`) and files
 * (`./my-provider.ts`), both as seen from the working directory.
 *
 * Throws `BootError` with a line for each one that cannot be loaded. It does not check the definitions:
 * `checkDefinitions` and `assembleSchema` do.
 */
export async function loadProviders(
  env: Env,
  from: string = process.cwd(),
): Promise<readonly AnyProvider[]> {
  const names = readList(env['PROVIDERS'] || readNamesFile(env['PROVIDERS_FILE']));
  if (names.length === 0) return builtInProviders;
  lendContract();
  // Loaded one after the other, so that output and order are the same at every start.
  const loaded: AnyProvider[] = [];
  const wrong: string[] = [];
  for (const name of new Set(names)) {
    const found = await loadProvider(name, from, env);
    if (typeof found === 'string') wrong.push(`PROVIDERS names ${name}: ${found}`);
    else loaded.push(found);
  }
  if (wrong.length > 0) throw new BootError(wrong);
  return [...builtInProviders, ...loaded];
}

/** Every setting can be in a file. `readFileSettings` reads the others, which need the definitions. */
function readNamesFile(path: string | undefined): string {
  if (!path) return '';
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new BootError(['PROVIDERS_FILE must name a file that can be read.']);
  }
}

/** The definition, or a text that says what is wrong and how to fix it. */
async function loadProvider(name: string, from: string, env: Env): Promise<AnyProvider | string> {
  const url = isPath(name) ? urlOfFile(name, from) : await urlOfPackage(name, from);
  if (!(url instanceof URL)) return url.missing;
  let exported: Readonly<Record<string, unknown>>;
  try {
    const loading = import(url.href) as Promise<Readonly<Record<string, unknown>>>;
    exported = await withTimeout(loadWithinMs, loading, () => {
      throw new Error('it did not load within 10 seconds');
    });
  } catch (error) {
    return explainImport(error, env);
  }
  const found = definitionIn(exported);
  return found ?? 'it exports no provider. Write: export const provider = defineProvider({ … }).';
}

/** The export `provider` or the default export. The exports of CommonJS are inside the default export. */
function definitionIn(exported: Readonly<Record<string, unknown>>): AnyProvider | null {
  const { provider, default: standard } = exported;
  if (isDefinition(provider)) return provider;
  if (isDefinition(standard)) return standard;
  return typeof standard === 'object' && standard !== null && standard !== exported
    ? definitionIn(standard as Readonly<Record<string, unknown>>)
    : null;
}

type Found = URL | { readonly missing: string };

function isPath(name: string): boolean {
  return name.startsWith('.') || name.startsWith('/');
}

function urlOfFile(name: string, from: string): Found {
  const path = resolvePath(from, name);
  if (!existsSync(path)) {
    return { missing: 'there is no such file, as seen from the working directory.' };
  }
  return statSync(path).isDirectory()
    ? { missing: 'it is a folder. Name the file in it.' }
    : pathToFileURL(path);
}

async function urlOfPackage(name: string, from: string): Promise<Found> {
  const { resolve } = await import('import-meta-resolve');
  // In a container image, plugins are installed next to the service, so that place is searched too.
  for (const parent of [pathToFileURL(join(from, 'index.js')).href, import.meta.url]) {
    try {
      return new URL(resolve(name, parent));
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'ERR_MODULE_NOT_FOUND') {
        return { missing: `its package.json does not say what to load (${code ?? 'unknown'}).` };
      }
    }
  }
  return {
    missing: `it is not installed. Run: npm install ${name}. (A file is named ./like-this.ts.)`,
  };
}

function explainImport(error: unknown, env: Env): string {
  const code = codeOf(error);
  if (code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING') {
    return 'it is TypeScript inside node_modules, which Node does not run. Publish it as JavaScript.';
  }
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION') {
    return `it is not JavaScript, and Node ${process.versions.node} runs only JavaScript. Use Node 24, or compile it.`;
  }
  const message = error instanceof Error ? error.message : '';
  const kind = error instanceof Error ? error.name : 'Something';
  const hint = message.startsWith('Cannot use import statement')
    ? ' Name it .mjs, or set "type": "module" in its package.json.'
    : '';
  return `it fails while it is loaded: ${redactEnvValues(`${kind}: ${message}`, env)}${hint}`;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/** Checks only the id, which later messages need. `checkDefinitions` checks the rest. */
function isDefinition(value: unknown): value is AnyProvider {
  return (
    typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string'
  );
}

let isLent = false;

/**
 * Resolves a plugin's import of the contract to the copy of this process, wherever the plugin is installed. In an
 * image or a checkout of this service there is no other copy. Before 22.15 Node has no hooks. Then the plugin uses
 * the copy in its own node_modules, whose classes are recognised by their brand.
 */
function lendContract(): void {
  if (isLent || typeof module.registerHooks !== 'function') return;
  isLent = true;
  const contract = new URL(`../contract/plugin-api${extname(import.meta.url)}`, import.meta.url)
    .href;
  module.registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier === 'verification-subgraph/provider' ? contract : specifier, context),
  });
}
