import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { builtInProviders } from '../../providers/index.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';

// Runs the service as a process in a folder with plugins, as an operator does.

const secret = 'a-secret-of-the-operator';
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).toReversed()) await end();
});

/** A small plugin in JavaScript; `more` is put at its end, over what stands before. */
function plugin(id: string, more = ''): string {
  const type = id
    .split('-')
    .map((part) => `${part.slice(0, 1).toUpperCase()}${part.slice(1)}`)
    .join('');
  return `
import { contractVersion, defineProvider } from 'verification-subgraph/provider';
import { createServer } from 'node:http';

const call = (lent, action) => lent.send({
  action,
  build: () => ({ method: 'POST', url: lent.settings.ENDPOINT, headers: {}, body: action }),
  read: ({ body }) => JSON.parse(body.toString('utf8')),
});

export const provider = defineProvider({
  contractVersion,
  id: '${id}',
  title: 'The plugin ${id}',
  jurisdiction: 'INTL',
  settings: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } },
  credentials: ['KEY'],
  actions: {
    Start: { effect: 'free_start', perSecond: 7, maxResponseBytes: 1000 },
    Result: { effect: 'read', perSecond: 7, maxResponseBytes: 1000 },
  },
  faults: {},
  channels: {
    ${type.toUpperCase()}_WEB: {
      action: 'Start',
      checks: ['DOCUMENT'],
      requires: [],
      outcome: 'QUERY',
      optionsField: null,
      pollEveryMs: 1,
      graceSeconds: 60,
      retentionSeconds: 86400,
      prepare: () => ({
        checks: ['DOCUMENT'],
        start: async (lent) => {
          const { token } = await call(lent, 'Start');
          const launch = { kind: 'redirect', url: 'https://plugin.example/' + token };
          return { launch, session: { token }, expiresInSeconds: 600 };
        },
      }),
      fetchOutcome: async (lent) => ({
        kind: 'ended',
        result: {
          ...(await call(lent, 'Result')),
          reason: '${type.toUpperCase()}_FINE',
          message: null, similarity: null, completedAtMs: null,
          billing: 'UNKNOWN', chargedAttempts: null,
          details: { __typename: '${type}Details', ${type.toLowerCase()}Page: 3 },
        },
      }),
    },
  },
  typeDefs: \`
    extend enum VerificationChannel { ${type.toUpperCase()}_WEB }
    extend enum VerificationOutcomeReason { ${type.toUpperCase()}_FINE }
    extend union VerificationOutcomeDetails = ${type}Details
    type ${type}Details { ${type.toLowerCase()}Page: Int }
  \`,
  sandbox: async () => async () => {
    const server = createServer((request, response) => {
      let action = '';
      request.on('data', (chunk) => { action += chunk; });
      request.on('end', () => response.end(JSON.stringify(
        action === 'Start' ? { token: 't-1' } : { status: 'PASSED', code: 'OK' })));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      settings: { ENDPOINT: 'http://127.0.0.1:' + server.address().port, KEY: 'sandbox' },
      scenarios: [{ action: 'Start', title: 'fine', input: {}, expect: 'OK' }],
      close: () => new Promise((resolve) => server.close(resolve)),
    };
  },
  ${more}
});
`;
}

/** An empty folder with these files. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'providers-'));
  cleanUp.push(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

function asPackage(name: string, text: string, file = 'index.js'): Record<string, string> {
  return {
    [`node_modules/${name}/package.json`]: JSON.stringify({
      ...{ name, version: '1.0.0', type: 'module', exports: `./${file}` },
    }),
    [`node_modules/${name}/${file}`]: text,
  };
}

function run(cwd: string, env: Readonly<Record<string, string>>) {
  const child: ChildProcess = spawn(process.execPath, [main], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', LOG_LEVEL: 'silent', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  cleanUp.push(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return { exited, hasExited: () => child.exitCode !== null, said: () => said };
}

async function start(cwd: string, env: Readonly<Record<string, string>>) {
  const port = await freePort();
  const { hasExited, said } = run(cwd, { ...env, PORT: String(port) });
  const url = `http://127.0.0.1:${port}`;
  await until(async () => {
    if (hasExited()) throw new Error(said());
    return fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }, 30_000);
  return async (query: string) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    return response.json();
  };
}

const listQuery = `{ verificationProviders {
  id title enabled reason
  actions { name perSecond }
  channels { channel }
} }`;

describe('PROVIDERS', () => {
  const both = {
    ...asPackage('@probe/idv', plugin('probe-idv')),
    'my-provider.ts': plugin('mine').replace(
      'const call = (lent, action)',
      'const call = (lent: any, action: string)',
    ),
  };

  it('loads a package and a file beside the built-in providers', async () => {
    const send = await start(folderWith(both), {
      // The second mention has no effect.
      PROVIDERS: '@probe/idv, ./my-provider.ts,./my-provider.ts',
      PROBE_IDV_LIMIT_START: '3',
    });
    const { data } = await send(listQuery);
    expect(data.verificationProviders.map(({ id }: { id: string }) => id)).toEqual([
      ...builtInProviders.map(({ id }) => id),
      ...['probe-idv', 'mine'],
    ]);
    expect(data.verificationProviders.at(-2)).toEqual({
      ...{ id: 'probe-idv', title: 'The plugin probe-idv', enabled: true, reason: null },
      actions: [
        { name: 'Start', perSecond: 3 },
        { name: 'Result', perSecond: 7 },
      ],
      channels: [{ channel: 'PROBEIDV_WEB' }],
    });

    const started = await send(`mutation { startVerification(input: {
      idempotencyKey: "k", channel: MINE_WEB
    }) { ... on StartVerificationSuccess { verification { id sandbox } } } }`);
    const { id, sandbox } = started.data.startVerification.verification;
    expect(sandbox).toBe(true);
    const seen = await until(async () => {
      const { data: now } = await send(`{ verification(id: "${id}") {
        status outcome { code reason details { ... on MineDetails { minePage } } }
      } }`);
      return now.verification.status === 'PENDING' ? null : now.verification;
    });
    expect(seen).toEqual({
      status: 'PASSED',
      outcome: { code: 'OK', reason: 'MINE_FINE', details: { minePage: 3 } },
    });
  });

  it('keeps the SDL of a provider that PROVIDERS_OFF switches off', async () => {
    const send = await start(folderWith(both), {
      PROVIDERS: '@probe/idv',
      PROVIDERS_OFF: 'probe-idv',
    });
    const { data } = await send(listQuery);
    expect(data.verificationProviders.at(-1)).toMatchObject({
      ...{ id: 'probe-idv', enabled: false, reason: 'Switched off by PROVIDERS_OFF.' },
      channels: [{ channel: 'PROBEIDV_WEB' }],
    });
    const { errors } = await send('{ __type(name: "ProbeIdvDetails") { name } }');
    expect(errors).toBeUndefined();
  });
});

describe('a broken plugin stops the boot with one sentence', () => {
  it.each<[string, string, Readonly<Record<string, string>>, RegExp]>([
    [
      'not installed',
      '@probe/none',
      {},
      /@probe\/none: it is not installed. Run: npm install @probe\/none/u,
    ],
    ['no such file', './none.ts', {}, /\.\/none\.ts: there is no such file/u],
    ['a folder', './some', { 'some/index.js': '' }, /\.\/some: it is a folder/u],
    ['no export', './p.js', { 'p.js': 'export const a = 1;' }, /it exports no provider/u],
    [
      'a failure while it is loaded',
      './p.mjs',
      { 'p.mjs': 'throw new TypeError("x is undefined");' },
      /it fails while it is loaded: TypeError: x is undefined/u,
    ],
    [
      'a syntax error',
      './p.mjs',
      { 'p.mjs': 'export const = 1;' },
      /it fails while it is loaded: SyntaxError/u,
    ],
    [
      'a missing import',
      './p.mjs',
      { 'p.mjs': 'import "nobody";' },
      /it fails while it is loaded: Error: Cannot find package 'nobody'/u,
    ],
    [
      'TypeScript in node_modules',
      'idv',
      asPackage('idv', plugin('probe'), 'index.ts'),
      /Publish it as JavaScript/u,
    ],
    [
      'another contract',
      './p.mjs',
      { 'p.mjs': plugin('probe', 'contractVersion: 2,') },
      /provider "probe" was written for contract version 2, this is version 1/u,
    ],
    [
      'another’s id',
      './p.mjs',
      { 'p.mjs': plugin('tencent-cn') },
      /"tencent-cn" is registered twice, or its id is taken/u,
    ],
    [
      'another’s type',
      './p.mjs',
      { 'p.mjs': plugin('probe', 'typeDefs: "type TencentCnEIdDetails { a: Int }",') },
      /its type TencentCnEIdDetails must start with Probe/u,
    ],
    [
      'a wrong shape',
      './p.mjs',
      { 'p.mjs': plugin('probe', 'credentials: "KEY",') },
      /credentials must be a list of setting names/u,
    ],
    [
      'no contract version',
      './p.mjs',
      { 'p.mjs': "export const provider = { id: 'probe' };" },
      /was written for contract version undefined, this is version 1/u,
    ],
    [
      'CommonJS with an import',
      './p.js',
      { 'package.json': '{ "type": "commonjs" }', 'p.js': plugin('probe') },
      /Name it \.mjs, or set "type": "module"/u,
    ],
    [
      'a definition that throws when it is read',
      './p.mjs',
      { 'p.mjs': plugin('probe', 'get title() { throw new Error("no"); },') },
      /cannot be read: looking at it throws|fails while it is loaded/u,
    ],
    [
      'a settings schema that repeats values',
      './p.mjs',
      {
        'p.mjs': plugin(
          'probe',
          `settings: { '~standard': { version: 1, vendor: 'x', validate: (given) => ({ issues: [
            { message: 'is ' + given.KEY, path: ['KEY'] }] }) } },`,
        ),
      },
      /PROBE_KEY is not valid/u,
    ],
    [
      'a settings schema that throws values',
      './p.mjs',
      {
        'p.mjs': plugin(
          'probe',
          `settings: { '~standard': { version: 1, vendor: 'x', validate: (given) => { throw new Error(given.KEY); } } },`,
        ),
      },
      /its schema of settings throws/u,
    ],
    [
      'a setting in the error while it is loaded',
      './p.mjs',
      { 'p.mjs': 'throw new Error("bad: " + process.env.PROBE_KEY);' },
      /Error: bad: \[a setting\]/u,
    ],
    [
      'a timer that keeps running',
      './p.mjs',
      { 'p.mjs': 'setInterval(() => {}, 1000); export const a = 1;' },
      /it exports no provider/u,
    ],
    [
      'a promise that rejects later',
      './p.mjs',
      {
        'p.mjs': plugin(
          'probe',
          'title: (void Promise.reject(new Error("floating " + process.env.PROBE_HINT)), "T"),',
        ),
      },
      /floating \[a setting\]/u,
    ],
    [
      'a sandbox without its members',
      './p.mjs',
      { 'p.mjs': plugin('probe', 'sandbox: async () => async () => ({}),') },
      /it must return \{ settings, scenarios, close \}/u,
    ],
    [
      'a sandbox that fails',
      './p.mjs',
      {
        'p.mjs': plugin(
          'probe',
          'sandbox: async () => { throw new Error("no port " + process.env.PROBE_HINT); },',
        ),
      },
      /provider "probe": its sandbox does not start: no port \[a setting\]/u,
    ],
  ])('%s', async (_name, PROVIDERS, files, sentence) => {
    const PORT = String(await freePort());
    // This variable would make the service live, with many more required settings.
    const isAboutIt = Object.values(files).some((text) => /given\.KEY|PROBE_KEY/u.test(text));
    // No credential, but no setting may be printed.
    const env = {
      PROVIDERS,
      PORT,
      PROBE_HINT: secret,
      ...(isAboutIt ? { PROBE_KEY: secret } : {}),
    };
    const { exited, said } = run(folderWith(files), env);
    expect(await exited).toBe(1);
    expect(said()).toMatch(sentence);
    expect(said()).not.toContain(secret);
    expect(said()).not.toContain('    at ');
  });

  it('for each of several at once', async () => {
    const { exited, said } = run(folderWith({}), { PROVIDERS: './a.js,./b.js' });
    expect(await exited).toBe(1);
    expect(
      said()
        .split('\n')
        .filter((line) => line.startsWith('  - ')),
    ).toHaveLength(2);
  });
});
