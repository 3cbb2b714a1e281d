import { readFileSync } from 'node:fs';
import { subset } from 'semver';
import { expect, it } from 'vitest';

interface Manifest {
  readonly engines?: { readonly node?: string };
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface Locked extends Manifest {
  readonly dev?: boolean;
  readonly optional?: boolean;
}

const { engines, devDependencies } = read('package.json') as Manifest;
const claimed = engines?.node ?? '';

function read(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

it('the Node that package.json claims is the one that the tests run on', () => {
  const [major] = process.versions.node.split('.');
  expect(claimed).toBe(`>=${major}`);
  expect(devDependencies?.['node']).toMatch(new RegExp(`^\\^${major}\\.`, 'u'));
});

it('every dependency runs on the Node that package.json claims', () => {
  const { packages } = read('package-lock.json') as {
    packages: Readonly<Record<string, Locked>>;
  };
  const refusing = Object.entries(packages)
    .filter(([name, { dev, optional }]) => name !== '' && !dev && !optional)
    .filter(([, { engines: wanted }]) => wanted?.node && !subset(claimed, wanted.node))
    .map(([name]) => name);
  expect(refusing).toEqual([]);
});
