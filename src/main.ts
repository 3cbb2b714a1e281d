import { startApp, type App } from './app.ts';
import { BootError } from './core/boot-error.ts';
import { logBug } from './core/log-bug.ts';
import { redactEnvValues } from './boot/redact-env-values.ts';
import type { ProxySettings } from './infra/env-proxy.ts';

/** Platforms kill a process after 10 s, and the delay of SHUTDOWN_DELAY_MS. It exits by itself before that. */
const stopWithinMs = 9500;

await main();

async function main(): Promise<void> {
  // A rejected promise that a plugin leaves unhandled while it is loaded stops the boot with a one-line message.
  process.once('unhandledRejection', endBoot);
  // During the boot it changes nothing. Without a handler it would end the process.
  const running: { app: App | null } = { app: null };
  process.on('SIGHUP', () => void running.app?.reloadAccounts());
  const app = await start();
  // Node reports an unhandled rejection only after all microtasks have run.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', endBoot);
  // Without this, timers and sockets of a plugin would keep the failed process alive.
  if (!app) process.exit(1);
  running.app = app;
  console.log(startUpLines(app).join('\n'));
  // Node's own report would repeat the message, which may contain input.
  process.on('uncaughtException', (error) => {
    logBug(app.log, 'process', error);
    void exit(app, 1);
  });
  let isStopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // A second signal does not end the calls in flight: npm passes on a signal that its whole group has got.
    process.on(signal, () => {
      if (isStopping) return;
      isStopping = true;
      void stop(app, signal);
    });
  }
}

async function start(): Promise<App | null> {
  try {
    return await startApp({ env: process.env });
  } catch (error) {
    console.error(explain(error));
    return null;
  }
}

function endBoot(error: unknown): never {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
  const message = redactEnvValues(text, process.env);
  console.error(
    `verification-subgraph cannot start: a plugin did not handle a rejected promise: ${message}`,
  );
  process.exit(1);
}

async function stop(app: App, reason: string): Promise<void> {
  const startedMs = Date.now();
  const timer = setTimeout(() => void exit(app, 1), app.config.shutdownDelayMs + stopWithinMs);
  timer.unref();
  app.log.event('info', 'shutdown', { reason });
  await app.stop();
  app.log.event('info', 'shutdown', { reason, tookMs: Date.now() - startedMs });
  await exit(app, 0);
}

async function exit(app: App, code: number): Promise<void> {
  await app.log.flush();
  process.exit(code);
}

function explain(error: unknown): string {
  if (error instanceof BootError) {
    return [
      'verification-subgraph cannot start:',
      ...error.lines.map((line) => `  - ${line}`),
    ].join('\n');
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return 'verification-subgraph cannot start: its port is taken. Set PORT to a free one.';
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EADDRNOTAVAIL') {
    return 'verification-subgraph cannot start: HOST is no address of this machine.';
  }
  return error instanceof Error ? (error.stack ?? error.message) : 'unknown error';
}

function startUpLines({ config, storeFault }: App): string[] {
  const fault = storeFault();
  const url = `http://localhost:${config.port}`;
  return [
    '',
    'verification-subgraph is up.',
    '',
    config.sandbox
      ? '  SANDBOX: no real provider is called, and nothing is charged.'
      : '  LIVE:    real providers are called, and they charge.',
    config.redis
      ? `  STORE:   Redis, shared by every replica${fault === null ? '' : `. NOT USABLE NOW: ${fault}`}.`
      : '  STORE:   in memory. A restart forgets everything.',
    ...(config.proxy ? [`  PROXY:   ${proxyLine(config.proxy)}`] : []),
    '',
    ...(config.graphiql ? [`  Click here   ${url}/graphiql`] : []),
    `  GraphQL      ${url}/graphql`,
    ...(config.sandbox
      ? [`  Scenarios    ${url}/sandbox/scenarios`, `  Endpoints    ${url}/sandbox/endpoints`]
      : []),
    ...(config.publicPort === config.port
      ? []
      : [`  Browsers     ${config.publicUrl} (port ${config.publicPort})`]),
    `  Health       ${url}/health/ready`,
    '',
  ];
}

/** Hosts only: the URL of a proxy may hold a password. */
function proxyLine({ httpsProxy, httpProxy, noProxy }: ProxySettings): string {
  const hosts = [httpsProxy, httpProxy]
    .filter((url) => url !== undefined)
    .map((url) => new URL(url.reveal()).host);
  const except = noProxy === '' ? '' : `, except to ${noProxy}`;
  return `outgoing calls go through ${[...new Set(hosts)].join(' and ')}${except}.`;
}
