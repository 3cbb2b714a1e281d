import { spawn, type ChildProcess } from 'node:child_process';
import { freePort } from '../../test/support/free-port.ts';

export interface MeasuredProcess {
  readonly url: string;
  readonly pid: number;
  /** From the start of the process until it serves. */
  readonly startedWithinMs: number;
  readonly stop: () => Promise<void>;
}

/** A server as a process of its own, on the port in its PORT. It serves once this resolves. */
export async function startProcess(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  readyPath: string,
): Promise<MeasuredProcess> {
  const port = await freePort();
  const startedMs = performance.now();
  const child: ChildProcess = spawn(process.execPath, command, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...{ PATH: process.env['PATH'] ?? '', PORT: String(port), NODE_ENV: 'production' },
      ...env,
    },
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (await isServing(`${url}${readyPath}`)) break;
    if (performance.now() - startedMs > 30_000) {
      child.kill('SIGKILL');
      throw new Error(`${command.join(' ')} does not start`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const startedWithinMs = performance.now() - startedMs;
  return {
    url,
    pid: child.pid ?? 0,
    startedWithinMs,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function isServing(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.status < 500;
  } catch {
    return false;
  }
}
