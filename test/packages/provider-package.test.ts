import { execFile, spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gql } from 'graphql-tag';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compose } from '../../examples/supergraph/compose.ts';
import { startAccounts } from '../../examples/supergraph/start-accounts.ts';
import { startApolloGateway } from '../../examples/supergraph/start-apollo-gateway.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';

// Works like an outside developer: with the packed package and nothing else of this repository.

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'packages-'));
const plugin = join(folder, 'doclens');
const deployed = join(folder, 'deployed');
const runFile = promisify(execFile);
const cleanUp: (() => unknown)[] = [];

/** Hides the variables of the surrounding package manager and test runner. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(?:npm_(?:lifecycle|package|config_local_prefix)|VITEST|NODE_ENV|TEST$)/u.test(name),
  ),
);

function run(cwd: string, command: string, args: readonly string[], more: object = {}) {
  return runFile(command, args, {
    cwd,
    env: { ...env, ...more },
    maxBuffer: 64 * 1024 * 1024,
  });
}

async function pack(from: string): Promise<string> {
  await run(from, 'npm', ['pack', '--silent', '--pack-destination', folder]);
  const packed = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  const name = packed.find((each) => each.includes(from === root ? 'verification' : 'doclens'));
  return join(folder, name ?? '');
}

const quietly = ['--prefer-offline', '--no-audit', '--no-fund', '--silent'];
let subgraph: string;

beforeAll(async () => {
  subgraph = await pack(root);
  cpSync(join(root, 'examples/provider-package'), plugin, { recursive: true });
  await run(plugin, 'npm', ['install', ...quietly, '--save-dev', subgraph]);
  mkdirSync(deployed);
  // Links to what is installed already: npm removes what only the development of the plugin needs.
  await run(folder, 'cp', ['-Rl', join(plugin, 'node_modules'), join(deployed, 'node_modules')]);
  writeFileSync(join(deployed, 'package.json'), '{ "type": "module" }');
  await run(deployed, 'npm', ['install', ...quietly, subgraph, await pack(plugin)]);
}, 600_000);
afterAll(async () => {
  for (const end of cleanUp.toReversed()) await end();
  // Beside the other tests: removing so many files takes minutes on a slow disk.
  spawn('rm', ['-rf', folder], { detached: true, stdio: 'ignore' }).unref();
});

describe('a provider package', () => {
  it('passes the conformance suite under vitest', async () => {
    const { stdout } = await run(plugin, 'npm', ['test', '--', '--reporter', 'verbose']);
    expect(stdout).toContain('composes by @theguild/federation-composition');
    expect(stdout).toContain('DOCLENS_DOCUMENT: an altered body is refused');
    expect(stdout).toMatch(/Tests .*passed/u);
    expect(stdout).not.toMatch(/Tests .*failed/u);
  }, 120_000);

  it('passes the conformance suite under node:test', async () => {
    writeFileSync(
      join(plugin, 'plain.test.ts'),
      `import { describe, it } from 'node:test';
import { testProvider } from 'verification-subgraph/conformance';
import { subject } from './test/subject.ts';
testProvider({ describe, it }, subject);`,
    );
    const { stdout } = await run(plugin, process.execPath, ['--test', 'plain.test.ts']);
    expect(stdout).toMatch(/fail 0/u);
    expect(Number(/pass (\d+)/u.exec(stdout)?.[1])).toBeGreaterThan(30);
  }, 120_000);

  it('finds types for all its imports', async () => {
    const { stdout } = await run(plugin, 'npm', ['run', '--silent', 'types']);
    expect(stdout).toBe('');
  }, 120_000);

  it('imports only the two public entry points', async () => {
    const manifest = readFileSync(join(plugin, 'package.json'), 'utf8');
    const { dependencies, peerDependencies } = JSON.parse(manifest) as Record<string, object>;
    expect(Object.keys({ ...dependencies, ...peerDependencies })).toEqual([
      'zod',
      'verification-subgraph',
    ]);
    const script = `await import('verification-subgraph/src/config.js')`;
    await expect(run(plugin, process.execPath, ['-e', script])).rejects.toThrow(
      'ERR_PACKAGE_PATH_NOT_EXPORTED',
    );
  });

  it('leaves no process behind when `npm start` is told to end', async () => {
    const port = await freePort();
    const child = spawn('npm', ['start', '--silent'], {
      cwd: plugin,
      stdio: 'ignore',
      env: { ...env, PORT: String(port), LOG_LEVEL: 'silent' },
    });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    const url = `http://127.0.0.1:${port}/health/live`;
    await until(() => isUp(url), 60_000);
    child.kill('SIGTERM');
    await exited;
    await until(async () => !(await isUp(url)), 20_000);
    expect(await isUp(url)).toBe(false);
  });

  it('serves through a gateway, from the start to its signed webhook', async () => {
    const PROVIDERS = '@example/doclens';
    const command = join(deployed, 'node_modules/.bin/verification-subgraph');
    // @apollo/gateway refuses a supergraph that demands scopes.
    const print = ['print-schema', '--without-authorization'];
    const { stdout: sdl } = await run(deployed, command, print, { PROVIDERS });
    const [port, gatewayPort] = [await freePort(), await freePort()];
    const routerSecret = 'a-secret-that-only-the-router-knows';
    const child = spawn(command, [], {
      cwd: deployed,
      stdio: 'ignore',
      env: {
        PATH: env['PATH'] ?? '',
        ...{ PORT: String(port), PROVIDERS, ROUTER_SECRETS: routerSecret },
        ...{ TRUST_IDENTITY_HEADERS: 'on', LOG_LEVEL: 'silent' },
      },
    });
    cleanUp.push(() => child.kill('SIGKILL'));
    const service = `http://127.0.0.1:${port}`;
    await until(() => isUp(`${service}/health/ready`), 60_000);
    const accounts = await startAccounts(await freePort());
    cleanUp.push(accounts.stop);
    const gateway = await startApolloGateway({
      supergraphSdl: compose([
        { name: 'accounts', url: accounts.url, typeDefs: accounts.typeDefs },
        { name: 'verification', url: `${service}/graphql`, typeDefs: gql(sdl) },
      ]),
      port: gatewayPort,
      routerSecret,
    });
    cleanUp.push(gateway.stop);
    const send = async (query: string, variables: object = {}) => {
      const response = await fetch(gateway.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = await response.json();
      expect(errors).toBeUndefined();
      return data;
    };

    const { verificationProviders: providers } = await send(
      '{ verificationProviders { id enabled channels { channel outcome requires } } }',
    );
    expect(providers).toContainEqual({
      ...{ id: 'doclens', enabled: true },
      channels: [
        {
          ...{ channel: 'DOCLENS_DOCUMENT', outcome: 'NOTIFICATION' },
          requires: ['options.doclensDocument'],
        },
      ],
    });

    const startQuery = `mutation ($input: StartVerificationInput!) {
      startVerification(input: $input) {
        ... on StartVerificationSuccess {
          replayed verification { id status sandbox launch { __typename } }
        }
        ... on VerificationProblem { code billing }
        ... on VerificationInputProblem { fields { path } }
      }
    }`;
    // Larger than anything but an image may be.
    const front = Buffer.alloc(600_000, 7).toString('base64');
    const input = {
      idempotencyKey: 'a-passport',
      channel: 'DOCLENS_DOCUMENT',
      options: { doclensDocument: { type: 'PASSPORT', country: 'SGP', front } },
    };
    const expired = { ...input, idempotencyKey: 'b', extra: 'sandbox:webhook=expired' };
    const started = await send(startQuery, { input });
    const { verification, replayed } = started.startVerification;
    expect({ replayed, ...verification }).toMatchObject({
      ...{ replayed: false, status: 'PENDING', sandbox: true, launch: null },
    });
    const other = await send(startQuery, { input: expired });

    const ended = (id: string) =>
      until(async () => {
        const { verification: now } = await send(
          `query ($id: ID!) { verification(id: $id) {
            status checks user { name }
            outcome { code reason evidence billing details {
              ... on DoclensDocumentDetails { documentType issuingCountry warnings }
            } }
          } }`,
          { id },
        );
        return now.status === 'PENDING' ? null : now;
      }, 20_000);
    expect(await ended(verification.id)).toEqual({
      ...{ status: 'PASSED', checks: ['DOCUMENT'], user: { name: 'Ann' } },
      outcome: {
        ...{ code: 'genuine', reason: 'VERIFIED', evidence: 'NOTIFIED', billing: 'CHARGED' },
        details: { documentType: 'passport', issuingCountry: 'SGP', warnings: [] },
      },
    });
    expect(await ended(other.startVerification.verification.id)).toMatchObject({
      status: 'FAILED',
      outcome: { reason: 'DOCLENS_DOCUMENT_EXPIRED' },
    });

    const wrong = { ...input, idempotencyKey: 'c', channel: 'E_ID' };
    expect((await send(startQuery, { input: wrong })).startVerification).toMatchObject({
      code: 'INVALID_INPUT',
      fields: [{ path: 'options.doclensDocument' }],
    });
    const poor = { ...input, idempotencyKey: 'd', extra: 'sandbox:checks/create=processing_error' };
    expect((await send(startQuery, { input: poor })).startVerification).toMatchObject({
      ...{ code: 'OUTCOME_UNKNOWN', billing: 'UNKNOWN' },
    });
    const forged = await fetch(`${service}/callbacks/doclens/account`, {
      method: 'POST',
      body: JSON.stringify({ reference: verification.id, check_id: 'x', result: 'genuine' }),
    });
    expect(forged.status).toBe(401);
  }, 120_000);
});

describe('new-provider of the packed package', () => {
  it('makes a provider whose tests pass', async () => {
    const command = join(deployed, 'node_modules/.bin/verification-subgraph');
    const { stdout: said } = await run(deployed, command, ['new-provider', 'zenith-id']);
    expect(said).toContain('npm test');
    const made = join(deployed, 'zenith-id');
    const { devDependencies } = JSON.parse(readFileSync(join(made, 'package.json'), 'utf8'));
    expect(devDependencies['verification-subgraph']).toBe(`file:${subgraph}`);
    // The example needs the same packages.
    symlinkSync(join(plugin, 'node_modules'), join(made, 'node_modules'));
    await run(made, 'npm', ['run', '--silent', 'types']);
    const { stdout } = await run(made, 'npm', ['test']);
    expect(stdout).toContain('zenith-id, charging, all of it: skipped, none of its actions may');
    expect(stdout).toMatch(/Tests .*passed/u);
    const built = await run(made, 'npm', ['pack', '--silent']);
    expect(built.stdout).toContain('zenith-id-0.1.0.tgz');
  }, 120_000);

  it.each([
    ['tencent', /collides with the settings of provider "tencent-cn"/u],
    ['Acme', /is not a valid provider id/u],
    ['oemcloud', /There is a provider "oemcloud" already/u],
  ])('refuses the id %s', async (id, sentence) => {
    const command = join(deployed, 'node_modules/.bin/verification-subgraph');
    await expect(run(deployed, command, ['new-provider', id])).rejects.toThrow(sentence);
  });
});

function isUp(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}
