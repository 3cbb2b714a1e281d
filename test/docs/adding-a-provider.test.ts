import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { buildSchema, isEnumType } from 'graphql';
import { afterAll, describe, expect, it } from 'vitest';
import { faultKinds } from '../../src/contract/index.ts';
import { contractMembers } from '../../src/boot/check-definitions.ts';
import { faultPolicies } from '../../src/core/upstream/fault-policy.ts';
import { freePort } from '../support/free-port.ts';
import { readBlocks } from '../support/read-blocks.ts';
import { until } from '../support/until.ts';

// Runs the code of docs/adding-a-provider.md unchanged.

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(`${root}docs/adding-a-provider.md`, 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'tiny-'));
symlinkSync(`${root}node_modules`, join(folder, 'node_modules'));
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
for (const [name, body] of readBlocks('docs/adding-a-provider.md')) {
  writeFileSync(join(folder, name), body);
}
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the smallest complete plugin of docs/adding-a-provider.md', async () => {
  // Registers the tests of the page unchanged.
  await import(pathToFileURL(join(folder, 'tiny.test.ts')).href);

  it('has no type errors', async () => {
    const paths = {
      'verification-subgraph/provider': [`${root}src/contract/plugin-api.ts`],
      'verification-subgraph/conformance': [`${root}src/conformance/index.ts`],
    };
    const compilerOptions = { paths, typeRoots: [`${root}node_modules/@types`] };
    const config = { extends: `${root}tsconfig.json`, compilerOptions, include: ['*.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = `${root}node_modules/.bin/tsc`;
    const { stdout } = await promisify(execFile)(tsc, ['-p', folder]);
    expect(stdout).toBe('');
  });

  it('serves with PROVIDERS=./tiny.ts', async () => {
    const port = await freePort();
    const child = spawn(process.execPath, [`${root}src/main.ts`], {
      cwd: folder,
      stdio: 'ignore',
      env: {
        PATH: process.env['PATH'] ?? '',
        ...{ PORT: String(port), PROVIDERS: './tiny.ts', LOG_LEVEL: 'silent' },
      },
    });
    try {
      const send = async (query: string) => {
        const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query }),
        });
        return (await response.json()).data;
      };
      const started = await until(
        () =>
          send(`mutation { startVerification(input: { idempotencyKey: "k", channel: TINY_WEB }) {
            ... on StartVerificationSuccess { verification { id } } } }`).catch(() => null),
        30_000,
      );
      const { id } = started.startVerification.verification;
      const status = await until(async () => {
        const { verification } = await send(`{ verification(id: "${id}") { status } }`);
        return verification.status === 'PENDING' ? null : verification.status;
      });
      expect(status).toBe('PASSED');
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('the tables of docs/adding-a-provider.md', () => {
  const sectionOf = (heading: string): string => {
    const [, rest = ''] = page.split(`### ${heading}\n`);
    return rest.split('\n### ')[0] ?? '';
  };
  const rowsOf = (heading: string): readonly string[] => {
    return [...sectionOf(heading).matchAll(/^\| `(\w+)` /gmu)].map(([, name = '']) => name);
  };

  it.each([
    ['The provider', contractMembers.provider],
    ['An action', contractMembers.action],
    ['A channel', contractMembers.channel],
    ['Notifications', contractMembers.notification],
  ])('list each member of the contract under “%s”', (heading, members) => {
    expect(rowsOf(heading)).toEqual(expect.arrayContaining([...members]));
  });

  it('list each kind of fault with the problem that callers get', () => {
    expect(rowsOf('Faults')).toEqual(faultKinds);
    for (const kind of faultKinds.filter((each) => !each.startsWith('session'))) {
      const { problem, claim } = faultPolicies.may_charge[kind];
      const row = new RegExp(`^\\| \`${kind}\` .*$`, 'mu').exec(sectionOf('Faults'))?.[0];
      expect(row).toContain(claim === 'release' ? '| yes' : '| **no**');
      if (claim === 'release') expect(row).toContain(`\`${problem}\``);
    }
  });

  it('list each base reason', () => {
    const sdl = readFileSync(`${root}schema/verification.graphql`, 'utf8');
    const [text = ''] = /enum VerificationOutcomeReason \{[\s\S]*?\n\}/u.exec(sdl) ?? [];
    const type = buildSchema(`type Query { a: Int } ${text}`).getType('VerificationOutcomeReason');
    const names = isEnumType(type) ? type.getValues().map(({ name }) => name) : [];
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect(page).toContain(`\`${name}\``);
  });
});
