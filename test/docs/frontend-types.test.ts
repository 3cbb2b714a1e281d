import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBlocks } from '../support/read-blocks.ts';

// The types of docs/frontend.md, generated and checked as a frontend would.

const root = fileURLToPath(new URL('../..', import.meta.url));
const runFile = promisify(execFile);
const blocks = readBlocks('docs/frontend.md');
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'frontend-types-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  copyFileSync(join(root, 'schema/subgraph.graphql'), join(folder, 'subgraph.graphql'));
  for (const name of ['codegen.ts', 'outcome.ts']) {
    writeFileSync(join(folder, name), blocks.get(name) ?? '');
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const command = join(root, 'node_modules/.bin/graphql-codegen');
  await runFile(process.execPath, [command, '--config', 'codegen.ts'], { cwd: folder });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The errors of the compiler for a module that uses the document. */
async function errorsOf(text: string): Promise<string> {
  writeFileSync(join(folder, 'page.ts'), text);
  const options = ['--noEmit', '--strict', '--module', 'preserve', '--target', 'es2024'];
  const lax = ['--allowImportingTsExtensions', '--skipLibCheck', '--types', ''];
  const command = join(root, 'node_modules/.bin/tsc');
  return runFile(process.execPath, [command, ...options, ...lax, 'page.ts'], { cwd: folder }).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  );
}

const use = (expression: string): string => `
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { outcomeDocument } from './outcome.ts';
type ResultOf<T> = T extends TypedDocumentNode<infer Result, never> ? Result : never;
declare const result: ResultOf<typeof outcomeDocument>;
export const used = ${expression};
`;

describe('the types for a frontend', () => {
  it('know every status, and what may be null', async () => {
    expect(await errorsOf(use("result.verification?.status === 'PASSED'"))).toBe('');
    expect(await errorsOf(use("result.verification?.status === 'PASED'"))).toContain('no overlap');
    expect(await errorsOf(use('result.verification.status'))).toContain('possibly');
    expect(await errorsOf(use('result.verification?.launch'))).toContain('does not exist');
  });

  it('come from the printed schema, without any further definition', () => {
    const generated = readFileSync(join(folder, 'gql/graphql.ts'), 'utf8');
    expect(generated).toContain("'UNDETERMINED'");
    expect(generated).not.toMatch(/: any\b/u);
  });
});
