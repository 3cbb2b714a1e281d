import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis } from '../test/support/redis.ts';
import { cpuOf } from './measure/cpu-of.ts';
import { toFlameGraph, type Profile, type ProfileNode } from './measure/flame-graph.ts';
import { operations } from './measure/operations.ts';
import { sendAll } from './measure/send-all.ts';
import { startOurs } from './measure/start-ours.ts';
import { startProcess } from './measure/start-process.ts';

// Where the CPU time of one operation goes: a profile, a flame graph, and a table by part.
//
//   npm run bench:profile -- start
//   REQUESTS=1000 npm run bench:profile -- entities
//   SUBJECT=least npm run bench:profile -- start    the promises alone (bench/peers/least.ts)

/** Parts by the file of a function. The first that matches counts. */
const parts: readonly (readonly [part: string, url: RegExp])[] = [
  ['node:crypto', /node:internal\/crypto|node:crypto/u],
  [
    'sockets and streams of Node',
    /node:(?:internal\/)?(?:net|stream|streams|http|_http|timers|async_hooks|process|util|events|buffer|stream_base|diagnostics|per_context|url)/u,
  ],
  ['Node, other', /^node:/u],
  ['Apollo Server', /node_modules\/@apollo|node_modules\/@as-integrations/u],
  ['graphql', /node_modules\/(?:graphql|@graphql|@escape\.tech|dataloader)/u],
  [
    'Fastify',
    /node_modules\/(?:fastify|@fastify|find-my-way|avvio|light-my-request|secure-json-parse)/u,
  ],
  [
    'ioredis',
    /node_modules\/(?:ioredis|@ioredis|redis-parser|denque|redis-errors|standard-as-callback|cluster-key-slot)/u,
  ],
  ['undici', /node_modules\/undici|node:internal\/deps\/undici/u],
  ['Bottleneck', /node_modules\/bottleneck/u],
  [
    'pino and prom-client',
    /node_modules\/(?:pino|prom-client|sonic-boom|quick-format|on-exit|atomic-sleep|thread-stream)/u,
  ],
  ['zod', /node_modules\/zod/u],
  ['other packages', /node_modules/u],
  ['src/core', /\/src\/core\//u],
  ['src/graphql', /\/src\/graphql\//u],
  ['src/http', /\/src\/http\//u],
  ['src/infra', /\/src\/infra\//u],
  ['providers', /\/providers\/|\/src\/contract\//u],
];

/** Between the last request and the end of the profile. */
const afterUs = 300_000;
const [, , name = 'start'] = process.argv;
const requests = Number(process.env['REQUESTS'] ?? 600);
const operation = operations.find((each) => each.name === name);
if (!operation) {
  throw new Error(
    `no operation ${name}; there are ${operations.map((each) => each.name).join(', ')}`,
  );
}
const folder = mkdtempSync(join(tmpdir(), 'profile-'));
const redis = await startRedis();
const provider = await startProcess(['bench/peers/provider.ts'], {}, '/');
const isLeast = process.env['SUBJECT'] === 'least';
const subject = isLeast ? 'apollo-fastify' : 'ours';
const target = `bench-profile-${isLeast ? 'least-' : ''}${name.replaceAll(' ', '-')}.cpuprofile`;
try {
  const profiled = ['--cpu-prof', '--cpu-prof-interval', '200', '--cpu-prof-dir', folder];
  const env = { REDIS_URL: redis.url, PROVIDER_URL: provider.url };
  const ours = isLeast
    ? await startProcess([...profiled, 'bench/peers/least.ts'], env, '/')
    : await startOurs(redis.url, provider.url, [...profiled, 'src/main.ts']);
  const state = {
    subjects: new Map([['ours', ours] as const]),
    redis,
    provider,
    requests,
    rounds: 1,
  };
  const roundOf = await operation.prepare(state);
  await sendAll(ours.url, roundOf(subject, -1).requests, 8, roundOf(subject, -1).check);
  const round = roundOf(subject, 0);
  const before = cpuOf(ours.pid);
  const startedUs = performance.timeOrigin * 1000 + performance.now() * 1000;
  await sendAll(ours.url, round.requests, 8, round.check);
  const cpuUs = (cpuOf(ours.pid) - before) / round.requests.length;
  const tookUs = performance.timeOrigin * 1000 + performance.now() * 1000 - startedUs;
  process.kill(ours.pid, 'SIGTERM');
  await waitForProfile();
  const text = readFileSync(join(folder, readdirSync(folder)[0] ?? ''), 'utf8');
  writeFileSync(target, text);
  const profile = JSON.parse(text) as Profile;
  const graph = target.replace(/cpuprofile$/u, 'svg');
  writeFileSync(graph, toFlameGraph(profile, tookUs + afterUs));
  console.table(shares(profile, tookUs, cpuUs));
  console.log(
    `${name}: ${Math.round(cpuUs)} µs of CPU per request, of which the table tells the main thread.`,
  );
  console.log(`The flame graph is in ${graph}.`);
  console.log(
    `The profile is in ${target}: open it in a browser's developer tools or with speedscope.`,
  );
} finally {
  await provider.stop();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function waitForProfile(): Promise<void> {
  while (readdirSync(folder).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  await new Promise((resolve) => setTimeout(resolve, 500));
}

/** Of the last `tookUs` before the shutdown; what follows the requests is idle. */
function shares({ nodes, samples, timeDeltas }: Profile, tookUs: number, cpuUs: number): object {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parentOf = new Map(
    nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)),
  );
  const time = new Map<string, number>();
  let total = 0;
  let left = tookUs + afterUs;
  for (let at = samples.length - 1; at >= 0 && left > 0; at--) {
    const delta = timeDeltas[at] ?? 0;
    left -= delta;
    const part = partOf(samples[at] ?? 0, byId, parentOf);
    if (part === null) continue;
    total += delta;
    time.set(part, (time.get(part) ?? 0) + delta);
  }
  return Object.fromEntries(
    [...time]
      .toSorted(([, a], [, b]) => b - a)
      .map(([part, us]) => [
        part,
        {
          '%': Number(((100 * us) / total).toFixed(1)),
          'µs per request': Math.round((cpuUs * us) / total),
        },
      ]),
  );
}

/** Functions without a file, such as JSON.parse, count as a part of the function that calls them. */
function partOf(
  id: number,
  byId: ReadonlyMap<number, ProfileNode>,
  parentOf: ReadonlyMap<number, number>,
): string | null {
  for (let at: number | undefined = id; at !== undefined; at = parentOf.get(at)) {
    const { functionName = '', url = '' } = byId.get(at)?.callFrame ?? {};
    if (functionName === '(idle)') return null;
    if (functionName === '(garbage collector)') return 'garbage collection';
    if (functionName === '(program)') return 'native code outside of JavaScript';
    const found = parts.find(([, pattern]) => url !== '' && pattern.test(url));
    if (found) return found[0];
  }
  return 'other';
}
