import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis } from '../test/support/redis.ts';
import { cpuOf, memoryOf } from './measure/cpu-of.ts';
import { watchNoise } from './measure/noise.ts';
import { operations, type Round, type Subject, type SubjectName } from './measure/operations.ts';
import { redisCounts } from './measure/redis-counts.ts';
import { sendAll } from './measure/send-all.ts';
import { startOurs } from './measure/start-ours.ts';
import { startProcess } from './measure/start-process.ts';
import {
  judge,
  medianOf,
  round as rounded,
  type Cold,
  type ColdStart,
  type Figures,
  type Measured,
} from './measure/targets.ts';

// What each operation costs, beside what a user would run instead, in one run: interleaved rounds, CPU per request
// of the server process, medians, and ratios with their targets.
//
//   npm run bench
//   ROUNDS=9 OPERATIONS=start,entities npm run bench

const rounds = Number(process.env['ROUNDS'] ?? 5);
/** Fewer would measure how code is compiled, which the largest subject has most of. */
const requests = Number(process.env['REQUESTS'] ?? 800);
const atOnce = Number(process.env['AT_ONCE'] ?? 8);
const coldStarts = 11;
const chosen = process.env['OPERATIONS']?.split(',');
const isChosen = (name: string): boolean => !chosen || chosen.includes(name);

const redis = await startRedis();
const provider = await startProcess(['bench/peers/provider.ts'], {}, '/').catch(async (error) => {
  await redis.stop();
  throw error;
});
const subjects = new Map<SubjectName, Subject>();
try {
  subjects.set('ours', await startOurs(redis.url, provider.url));
  for (const name of ['bare', 'express-sdk', 'apollo-fastify', 'mercurius'] as const) {
    const env = { REDIS_URL: redis.url, PROVIDER_URL: provider.url };
    subjects.set(name, await startProcess([`bench/peers/${name}.ts`], env, '/'));
  }
  const noise = watchNoise(ownCpuUs);
  const figures = await measureOperations(noise.probe);
  const cold = isChosen('cold') ? await measureColdStarts(noise.probe) : null;
  const { slowdown, foreignShare, isTooNoisy } = noise.end();

  console.table(tableOf(figures));
  if (cold) console.table(cold);
  console.log(
    `Noise: fixed work took up to ${rounded(slowdown)} times its fastest pass; other processes used ${rounded(foreignShare * 100)} % of the machine.`,
  );
  if (isTooNoisy) console.log('The machine was too noisy to judge. Run it again on a quiet one.');
  else console.table(judge(figures, cold));
} finally {
  await Promise.all([...subjects.values(), provider].map(({ stop }) => stop()));
  await redis.stop();
}

/** CPU time of all processes of this bench. */
function ownCpuUs(): number {
  const pids = [...subjects.values(), provider].map(({ pid }) => pid);
  return [...pids, process.pid, redis.child.pid ?? process.pid]
    .map(cpuOf)
    .reduce((sum, one) => sum + one, 0);
}

async function measureOperations(probeNoise: () => unknown): Promise<Figures> {
  const figures: Figures = new Map();
  for (const operation of operations.filter(({ name }) => isChosen(name))) {
    const state = { subjects, redis, provider, requests, rounds };
    const roundOf = await operation.prepare(state);
    const byName = new Map<SubjectName, Measured[]>();
    // The first round warms up. The order changes with each, so that no subject always follows the same one.
    for (let round = -1; round < rounds; round++) {
      probeNoise();
      for (const at of operation.subjects.keys()) {
        const place = (at + round + 1) % operation.subjects.length;
        const name = operation.subjects[place] ?? 'ours';
        const measured = await measure(name, roundOf(name, round));
        if (round >= 0) byName.set(name, [...(byName.get(name) ?? []), measured]);
      }
    }
    figures.set(operation.name, byName);
  }
  return figures;
}

async function measure(name: SubjectName, round: Round): Promise<Measured> {
  const subject = subjects.get(name);
  if (!subject) throw new Error(`${name} does not run`);
  const before = { cpuUs: cpuOf(subject.pid), redis: await redisCounts(redis) };
  const startedMs = performance.now();
  const tookMs = await sendAll(subject.url, round.requests, atOnce, round.check);
  const seconds = (performance.now() - startedMs) / 1000;
  const after = { cpuUs: cpuOf(subject.pid), redis: await redisCounts(redis) };
  const count = round.requests.length;
  const sorted = tookMs.toSorted((a, b) => a - b);
  const quantile = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    cpuUs: (after.cpuUs - before.cpuUs) / count,
    redisUs: (after.redis.cpuUs - before.redis.cpuUs) / count,
    commands: (after.redis.commands - before.redis.commands) / count,
    reads: (after.redis.reads - before.redis.reads) / count,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    perSecond: count / seconds,
  };
}

/** As the image starts: built and bundled, and with a compile cache that an earlier start has filled. */
async function measureColdStarts(probeNoise: () => unknown): Promise<Cold> {
  for (const script of ['scripts/build.ts', 'scripts/bundle-server.ts']) {
    execFileSync(process.execPath, [script], { stdio: 'inherit' });
  }
  const folder = mkdtempSync(join(tmpdir(), 'compile-cache-'));
  const env = { NODE_COMPILE_CACHE: folder };
  const startHello = () => startProcess(['bench/peers/hello-world.ts'], env, '/');
  const startLibraries = () => startProcess(['bench/peers/libraries.ts'], env, '/');
  const startBuilt = () => startOurs(redis.url, provider.url, ['dist/server/main.js'], env);
  const ours: ColdStart[] = [];
  const hello: ColdStart[] = [];
  const libraries: ColdStart[] = [];
  try {
    for (let time = -1; time < coldStarts; time++) {
      probeNoise();
      const [one, other] = [await coldStart(startBuilt), await coldStart(startHello)];
      const loaded = await coldStart(startLibraries);
      if (time < 0) continue;
      libraries.push(loaded);
      ours.push(one);
      hello.push(other);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    ours: medianStart(ours),
    libraries: medianStart(libraries),
    hello: medianStart(hello),
  };
}

async function coldStart(start: () => Promise<Subject>): Promise<ColdStart> {
  const subject = await start();
  const cpuMs = cpuOf(subject.pid) / 1000;
  const memoryMb = memoryOf(subject.pid);
  // A compile cache is written when a process ends.
  process.kill(subject.pid, 'SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await subject.stop();
  return { startMs: subject.startedWithinMs, cpuMs, memoryMb };
}

function medianStart(starts: readonly ColdStart[]): ColdStart {
  const median = (figure: keyof ColdStart): number =>
    Math.round(
      starts.map((each) => each[figure]).toSorted((a, b) => a - b)[Math.floor(starts.length / 2)] ??
        0,
    );
  return { startMs: median('startMs'), cpuMs: median('cpuMs'), memoryMb: median('memoryMb') };
}

function tableOf(figures: Figures): Record<string, object> {
  const columns = {
    'CPU µs': 'cpuUs',
    'Redis µs': 'redisUs',
    commands: 'commands',
    reads: 'reads',
    'p50 ms': 'p50Ms',
    'p99 ms': 'p99Ms',
    'per second': 'perSecond',
  } as const satisfies Record<string, keyof Measured>;
  return Object.fromEntries(
    [...figures].flatMap(([operation, byName]) =>
      [...byName.keys()].map((name) => [
        `${operation}, ${name}`,
        Object.fromEntries(
          Object.entries(columns).map(([title, figure]) => [
            title,
            rounded(medianOf(figures, operation, name, figure) ?? 0),
          ]),
        ),
      ]),
    ),
  );
}
