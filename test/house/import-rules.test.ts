import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// Runs the linter on a tree of sample files: which folder may import which, at any depth.

const root = fileURLToPath(new URL('../..', import.meta.url));
let tree = '';
let found: ReadonlyMap<string, string> = new Map();

/** Folders, and what nothing in them may import. */
const forbidden = {
  'src/contract': ['src/core/x.ts', 'src/infra/x.ts', 'src/app.ts'],
  'src/ports': ['src/core/x.ts', 'src/infra/x.ts', 'src/http/x.ts', 'providers/acme/x.ts'],
  'src/core': [
    'src/infra/x.ts',
    'src/infra/redis/x.ts',
    'src/graphql/x.ts',
    'src/http/x.ts',
    'src/boot/x.ts',
    'src/app.ts',
    'providers/acme/x.ts',
    'sandbox/x.ts',
  ],
  'src/infra': [
    'src/core/x.ts',
    'src/core/claims/x.ts',
    'src/graphql/x.ts',
    'src/http/x.ts',
    'src/boot/x.ts',
    'src/app.ts',
    'providers/acme/x.ts',
  ],
  'src/graphql': [
    'src/infra/x.ts',
    'src/http/x.ts',
    'src/http/routes/x.ts',
    'src/boot/x.ts',
    'src/app.ts',
    'sandbox/x.ts',
  ],
  'src/http': ['src/boot/x.ts', 'src/app.ts', 'providers/acme/x.ts', 'sandbox/x.ts'],
  'src/boot': ['src/graphql/x.ts', 'src/http/routes/x.ts', 'src/app.ts'],
  'src/conformance': ['src/http/x.ts', 'src/infra/redis/x.ts', 'src/app.ts', 'sandbox/x.ts'],
  'providers/acme': ['src/core/x.ts', 'src/contract/fault.ts', 'sandbox/x.ts'],
  sandbox: ['src/core/x.ts', 'providers/acme/x.ts'],
} as const;

/** What some of them may import. */
const allowed = {
  'src/core': ['src/contract/x.ts', 'src/core/claims/x.ts'],
  'src/ports': ['src/contract/x.ts'],
  'src/infra': ['src/contract/x.ts', 'src/ports/x.ts'],
  'src/graphql': ['src/core/claims/x.ts', 'src/contract/x.ts'],
  'src/http': ['src/graphql/x.ts', 'src/core/x.ts'],
  'src/boot': ['src/infra/redis/x.ts', 'src/core/x.ts', 'providers/acme/x.ts', 'sandbox/x.ts'],
  'src/conformance': ['src/boot/x.ts', 'src/core/x.ts', 'src/graphql/x.ts'],
  'providers/acme': ['src/contract/plugin-api.ts'],
} as const;

const depths = ['', 'one', 'one/two'];

function probesOf(
  rooms: Readonly<Record<string, readonly string[]>>,
): readonly { readonly path: string; readonly target: string }[] {
  return Object.entries(rooms).flatMap(([room, targets]) =>
    depths.flatMap((depth) =>
      targets.map((target, at) => ({ path: join(room, depth, `probe-${at}.ts`), target })),
    ),
  );
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), text);
}

function lint(): ReadonlyMap<string, string> {
  const { stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/oxlint/bin/oxlint'), '--format', 'json'],
    { cwd: tree, encoding: 'utf8' },
  );
  const { diagnostics } = JSON.parse(stdout) as {
    readonly diagnostics: readonly { readonly filename: string; readonly code: string }[];
  };
  return new Map(diagnostics.map(({ filename, code }) => [filename, code]));
}

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'import-rules-'));
  copyFileSync(join(root, '.oxlintrc.json'), join(tree, '.oxlintrc.json'));
});
afterAll(() => rmSync(tree, { recursive: true, force: true }));

/** Sample files with one import each. Returns those that the linter rejects. */
function refusedOf(rooms: Parameters<typeof probesOf>[0]): string[] {
  const probes = probesOf(rooms);
  for (const { path, target } of probes) {
    const up = dirname(path)
      .split('/')
      .map(() => '..')
      .join('/');
    write(path, `import { x } from '${up}/${target}';\n\nexport const y = x;\n`);
  }
  found = lint();
  const refused = probes.filter(({ path }) => found.get(path)?.includes('no-restricted-imports'));
  return refused.map(({ path, target }) => `${path} → ${target}`);
}

describe('the import rules', () => {
  it('reject the forbidden imports of each folder, at every depth', () => {
    const all = probesOf(forbidden).map(({ path, target }) => `${path} → ${target}`);
    expect(refusedOf(forbidden)).toEqual(all);
  });

  it('accept the allowed imports of each folder', () => {
    rmSync(join(tree, 'src'), { recursive: true });
    rmSync(join(tree, 'providers'), { recursive: true });
    expect(refusedOf(allowed)).toEqual([]);
  });

  it('reject import cycles, also of types', () => {
    rmSync(join(tree, 'src'), { recursive: true });
    write('src/core/a.ts', "import type { B } from './b.ts';\n\nexport type A = B | null;\n");
    write('src/core/b.ts', "import type { A } from './a.ts';\n\nexport type B = A | undefined;\n");
    expect(
      [...lint()]
        .filter(([path]) => path.startsWith('src/'))
        .map(([path, code]) => `${path} ${code}`)
        .toSorted(),
    ).toEqual(['src/core/a.ts import(no-cycle)', 'src/core/b.ts import(no-cycle)']);
  });
});
