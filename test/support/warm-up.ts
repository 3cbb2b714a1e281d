import { spawn } from 'node:child_process';
import { compileCache } from './compile-cache.ts';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

/**
 * Runs once before the tests: a service that ends by itself leaves its compiled modules for all replicas, which are killed.
 * A replica then starts with a third less CPU time (2.6 and 1.75 s, 2026-11-27).
 */
// vitest calls the default export.
// oxlint-disable-next-line import/no-default-export
export default async function warmUp(): Promise<void> {
  const port = String(await freePort());
  const key = Buffer.alloc(32, 7).toString('base64');
  const child = spawn(process.execPath, ['src/main.ts'], {
    stdio: 'ignore',
    env: {
      ...{ PATH: process.env['PATH'] ?? '', PORT: port, LOG_LEVEL: 'silent' },
      // With the modules for Redis, which need not be there.
      ...{ REDIS_URL: 'redis://127.0.0.1:1', NODE_COMPILE_CACHE: compileCache },
      ...{ STORE_HASH_KEYS: `h1:${key}`, STORE_ENCRYPTION_KEYS: `e1:${key}` },
    },
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  try {
    const isLive = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${port}/health/live`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(isLive, 60_000);
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}
