import { spawn, type ChildProcess } from 'node:child_process';
import { afterAll, expect, it } from 'vitest';
import { Pool } from 'undici';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';

// A balancer that looks at readiness, and clients that keep their connections.

const shutdownDelayMs = 2500;
const probeEveryMs = 250;
const clients = 8;

interface Backend {
  readonly child: ChildProcess;
  readonly pool: Pool;
  isReady: boolean;
}

const backends: Backend[] = [];
const all: Backend[] = [];
const state = { isOver: false, isDone: false };
afterAll(async () => {
  state.isOver = true;
  for (const { child, pool } of all) {
    child.kill('SIGKILL');
    await pool.destroy();
  }
});

async function startBackend(): Promise<Backend> {
  const port = await freePort();
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: String(port),
      SHUTDOWN_DELAY_MS: String(shutdownDelayMs),
    },
    stdio: 'ignore',
  });
  const backend = {
    child,
    pool: new Pool(`http://127.0.0.1:${port}`, { connections: clients, pipelining: 1 }),
    isReady: false,
  };
  all.push(backend);
  void probe(backend);
  await until(async () => backend.isReady, 60_000);
  return backend;
}

/** Connections of its own, as a balancer's probes have. */
async function probe(backend: Backend): Promise<void> {
  while (!state.isOver && backend.child.exitCode === null) {
    const answered = await backend.pool
      .request({ method: 'GET', path: '/health/ready', reset: true })
      .then(async ({ statusCode, body }) => {
        await body.dump();
        return statusCode === 200;
      })
      .catch(() => false);
    backend.isReady = answered;
    await new Promise((resolve) => setTimeout(resolve, probeEveryMs));
  }
  backend.isReady = false;
}

it('a rolling restart of three replicas loses no request', async () => {
  backends.push(...(await Promise.all([1, 2, 3].map(() => startBackend()))));
  const lost: string[] = [];
  let answered = 0;
  const client = async (at: number): Promise<void> => {
    for (let turn = at; !state.isDone; turn++) {
      const ready = backends.filter(({ isReady }) => isReady);
      const one = ready[turn % ready.length];
      if (!one) throw new Error('no replica is ready');
      try {
        const { statusCode, body } = await one.pool.request({
          method: 'POST',
          path: '/graphql',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query: '{ __typename }' }),
        });
        const text = await body.text();
        if (statusCode === 200) answered += 1;
        else lost.push(`${statusCode} ${text}`);
      } catch (error) {
        lost.push(String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const working = Promise.all(Array.from({ length: clients }, (_, at) => client(at)));
  for (let at = 0; at < 3; at++) {
    const old = backends[at];
    const before = answered;
    backends.push(await startBackend());
    old?.child.kill('SIGTERM');
    await until(async () => old?.child.exitCode === 0, 60_000);
    expect(answered).toBeGreaterThan(before);
  }
  state.isDone = true;
  await working;
  expect(lost).toEqual([]);
}, 180_000);

it('readiness says that a replica stops while it still serves', async () => {
  const one = await startBackend();
  one.child.kill('SIGTERM');
  const ask = async (path: string) => {
    const { statusCode, headers, body } = await one.pool.request({ method: 'GET', path });
    return { statusCode, connection: headers['connection'], text: await body.text() };
  };
  await until(async () => (await ask('/health/ready')).statusCode === 503);
  expect(await ask('/health/ready')).toMatchObject({ text: '{"status":"stopping"}' });
  expect(await ask('/health/live')).toMatchObject({ statusCode: 200, connection: 'close' });
  expect(await ask('/graphiql')).toMatchObject({ statusCode: 200 });
}, 90_000);
