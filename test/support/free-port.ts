import { createServer } from 'node:net';

// Below the range from which systems take the ports of outgoing connections (32768 and up on Linux), and apart for each
// worker of a test run, so that nobody else takes a port before its server listens.
const firstPort = 12_000;
const portsPerWorker = 1000;
const workers = 20;

const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % workers;
let next = Math.floor(Math.random() * (portsPerWorker / 2)) * 2;

/** A port that is free, and the one after it, which is a live service's default for browsers. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = firstPort + worker * portsPerWorker + next;
    next = (next + 2) % portsPerWorker;
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
