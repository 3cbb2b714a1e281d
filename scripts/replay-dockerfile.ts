import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cardInput } from '../test/support/card-input.ts';
import { freePort } from '../test/support/free-port.ts';
import { checkMutation } from '../test/support/operations.ts';
import { startRedis } from '../test/support/redis.ts';
import { startLedgerProvider } from '../test/support/replicas.ts';
import { until } from '../test/support/until.ts';

// Where no image can be built: replays each COPY and RUN of the Dockerfile in an empty folder per
// stage, starts its CMD there, and asks its HEALTHCHECK. Uses this Node for the image's.
interface Stage {
  readonly name: string;
  readonly root: string;
  workdir: string;
  readonly env: Record<string, string>;
  user: string;
  healthcheck: string[] | null;
  command: string[] | null;
}

/** A step that hangs must end. */
const runTimeoutMs = 300_000;
const project = fileURLToPath(new URL('..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'replay-dockerfile-'));
const stages: Stage[] = [];

try {
  for (const line of instructions()) replay(line);
  const image = stages.at(-1);
  if (!image) throw new Error('no FROM');
  if (image.user === '' || image.user === 'root') throw new Error('the image runs as root');
  checkDevDependencies(image);
  await runImage(image, {}, checkGraphiql);
  await checkLive(image);
  checkCommands(image);
  await checkWithoutGraphiql(image);
  console.log('The Dockerfile replays: it builds, is healthy, and checks a card with Redis.');
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function instructions(): string[] {
  return readFileSync(join(project, 'Dockerfile'), 'utf8')
    .replaceAll(/\\\n/gu, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function replay(line: string): void {
  const [, instruction = '', rest = ''] = /^(\w+)\s+(.*)$/u.exec(line) ?? [];
  if (instruction === 'FROM') {
    if (!/^\S+@sha256:[\da-f]{64}(?: |$)/u.test(rest)) throw new Error(`not pinned: ${rest}`);
    const [, name = String(stages.length)] = / AS (\w+)$/u.exec(rest) ?? [];
    const root = join(scratch, `stage-${stages.length}`);
    mkdirSync(root);
    stages.push({ name, root, workdir: '/', env: {}, user: '', healthcheck: null, command: null });
    return;
  }
  const stage = stages.at(-1);
  if (!stage) throw new Error(`before any FROM: ${line}`);
  switch (instruction) {
    case 'WORKDIR':
      stage.workdir = rest;
      mkdirSync(join(stage.root, rest), { recursive: true });
      break;
    case 'ENV':
      for (const [, name = '', value = ''] of rest.matchAll(/(\w+)=(\S+)/gu)) {
        stage.env[name] = value;
      }
      break;
    case 'ARG': {
      const [argument = '', value = ''] = rest.split('=');
      stage.env[argument] = value;
      break;
    }
    case 'COPY':
      copy(stage, rest.split(/\s+/u));
      break;
    case 'RUN':
      execFileSync('sh', ['-c', rest], {
        cwd: join(stage.root, stage.workdir),
        env: environment(stage),
        stdio: ['ignore', 'ignore', 'inherit'],
        timeout: runTimeoutMs,
      });
      break;
    case 'USER':
      stage.user = rest;
      break;
    case 'HEALTHCHECK':
      stage.healthcheck = JSON.parse(rest.slice(rest.indexOf('CMD') + 3)) as string[];
      break;
    case 'CMD':
      stage.command = JSON.parse(rest) as string[];
      break;
    case 'EXPOSE':
    case 'LABEL':
      break;
    default:
      throw new Error(`not replayed: ${line}`);
  }
}

function copy(stage: Stage, words: readonly string[]): void {
  const [, from] = /^--from=(\w+)$/u.exec(words[0] ?? '') ?? [];
  const paths = from === undefined ? words : words.slice(1);
  const source = from === undefined ? project : stages.find(({ name }) => name === from)?.root;
  if (source === undefined) throw new Error(`no stage ${from ?? ''}`);
  const ignored = readFileSync(join(project, '.dockerignore'), 'utf8').split('\n');
  const target = paths.at(-1) ?? '.';
  for (const path of paths.slice(0, -1)) {
    if (from === undefined && !ignored.includes(`!${path.split('/')[0] ?? ''}`)) {
      throw new Error(`.dockerignore keeps ${path} out`);
    }
    const into = join(stage.root, stage.workdir, target);
    const isFolder = statSync(join(source, path)).isDirectory();
    const goal = isFolder ? into : join(into, basename(path));
    mkdirSync(dirname(goal), { recursive: true });
    cpSync(join(source, path), goal, { recursive: true, verbatimSymlinks: true });
  }
}

/** The packages come from a folder that also has those for development. */
function checkDevDependencies({ root, workdir }: Stage): void {
  const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
  };
  const found = Object.entries(lock.packages).find(
    ([path, { dev }]) => dev === true && existsSync(join(root, workdir, path, 'package.json')),
  );
  if (found) throw new Error(`the image holds ${found[0]}, which is for development`);
}

/** The page and its scripts, which are files of a package. */
async function checkGraphiql(url: string): Promise<void> {
  const page = await (await fetch(`${url}/graphiql`)).text();
  const [, script = ''] = /"(\/graphiql\/static\/[^"]+\.js)"/u.exec(page) ?? [];
  const { status } = await fetch(`${url}${script}`);
  if (status !== 200) throw new Error('GraphiQL is not whole');
}

/** An auditor runs the commands in the container of a replica. */
function checkCommands(image: Stage): void {
  const cwd = join(image.root, image.workdir);
  const run = (...args: string[]): string =>
    execFileSync('node', ['dist/src/bin.js', ...args], {
      ...{ cwd, env: environment(image), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    });
  if (!run('print-schema').includes('type Verification ')) throw new Error('no schema');
  for (const args of [
    ['costs', '--from', '2026-01-01'],
    ['webhooks', 'list'],
  ]) {
    const ended = spawnSync('node', ['dist/src/bin.js', ...args], {
      ...{ cwd, env: environment(image), encoding: 'utf8' },
    });
    if (!ended.stderr.startsWith('REDIS_URL is needed')) throw new Error(ended.stderr);
  }
  const sbom = JSON.parse(readFileSync(join(cwd, 'sbom.json'), 'utf8')) as { bomFormat?: string };
  if (sbom.bomFormat !== 'CycloneDX') throw new Error('no SBOM');
}

/** As built with `--build-arg GRAPHIQL=off`. */
async function checkWithoutGraphiql(image: Stage): Promise<void> {
  const cwd = join(image.root, image.workdir);
  rmSync(join(cwd, 'node_modules/ruru'), { recursive: true });
  const env = { ...environment(image), HOST: '127.0.0.1', PORT: String(await freePort()) };
  const { stderr, status } = spawnSync('node', ['dist/server/main.js'], {
    ...{ cwd, env, encoding: 'utf8', timeout: 60_000 },
  });
  if (status !== 1 || !stderr.includes('GraphiQL is not part of this image')) {
    throw new Error(`without GraphiQL: ${stderr}`);
  }
}

/** What is bundled must work too: Redis, a provider, and a plugin that imports our contract. */
async function checkLive(image: Stage): Promise<void> {
  const [redis, provider] = [await startRedis(), await startLedgerProvider()];
  const key = Buffer.alloc(32, 7).toString('base64');
  const secret = 'the-secret-of-the-router';
  // With webhooks and subscriptions, whose modules are loaded only then.
  const webhooks = join(scratch, 'webhooks.yaml');
  writeFileSync(join(scratch, 'webhook-secret'), `whsec_${key}`);
  writeFileSync(
    webhooks,
    `endpoints: { crm: { tenant: acme, url: https://crm.example/, secretFile: ${join(scratch, 'webhook-secret')} } }`,
  );
  const env = {
    WEBHOOKS_FILE: webhooks,
    SUBSCRIPTION_CALLBACK_URLS: 'https://router.example/callback',
    REDIS_URL: redis.url,
    STORE_HASH_KEYS: `h1:${key}`,
    STORE_ENCRYPTION_KEYS: `e1:${key}`,
    TENCENT_CN_SECRET_ID: 'AKIDtest',
    TENCENT_CN_SECRET_KEY: 'test-key',
    TENCENT_CN_ENDPOINT: provider.url,
    PROVIDERS: './dist/template/src/index.ts',
    PUBLIC_PORT: String(await freePort()),
    PUBLIC_URL: 'https://idv.example',
    REDIRECT_ORIGINS: 'https://app.example',
    ROUTER_SECRETS: secret,
    TRUST_IDENTITY_HEADERS: 'on',
  };
  try {
    await runImage(image, env, async (url) => {
      const ask = async (query: string, variables: object = {}): Promise<string> => {
        const response = await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: {
            ...{ 'content-type': 'application/json', 'x-router-secret': secret },
            ...{ 'x-tenant-id': 'acme', 'x-user-id': 'ann', 'x-scopes': 'bankcard:check' },
          },
          body: JSON.stringify({ query, variables }),
        });
        return response.text();
      };
      const input = cardInput('ann', 'image');
      // Calls wait until a new Redis is a second old.
      await until(async () => (await ask(checkMutation, { input })).includes('"MATCHED"'));
      const providers = await ask('{ verificationProviders { id } }');
      if (!providers.includes('my-provider')) throw new Error('the plugin was not loaded');
    });
  } finally {
    await Promise.all([provider.stop(), redis.stop()]);
  }
}

/** Starts the image's CMD, waits until it is healthy, and stops it after `work`. */
async function runImage(
  stage: Stage,
  more: Readonly<Record<string, string>>,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const { command, healthcheck } = stage;
  if (!command || !healthcheck) throw new Error('no CMD or no HEALTHCHECK');
  const cwd = join(stage.root, stage.workdir);
  const port = String(await freePort());
  const env = { ...environment(stage), HOST: '127.0.0.1', PORT: port, ...more };
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    for (let time = 0; time < 60; time++) {
      const [probe = '', ...probeArgs] = healthcheck;
      if (spawnSync(probe, probeArgs, { cwd, env, timeout: 3000 }).status === 0) {
        return await work(`http://127.0.0.1:${port}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    throw new Error('the health check never passed');
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

function environment(stage: Stage): NodeJS.ProcessEnv {
  const path = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  return { ...process.env, ...stage.env, PATH: path };
}
