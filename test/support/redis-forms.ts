import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

// Redis servers in every form that REDIS_URL may name. They are set up over a Unix socket, so that the tests
// are the only ones to use their ports.

export type Kind = 'single' | 'cluster' | 'sentinel';
export type Host = 'localhost' | '127.0.0.1' | '::1';

export interface Form {
  readonly kind: Kind;
  readonly isTls: boolean;
  readonly host: Host;
  /** Users that are let in. Without any, the default user needs no password. */
  readonly logins: readonly Login[];
  /** A password of the sentinels. */
  readonly sentinelPassword?: string;
  /** Names the host only, and no address. */
  readonly certificate?: 'cert' | 'host-only-cert';
}

export interface Login {
  readonly username?: string;
  readonly password?: string;
}

export interface FormServer {
  /** The URL with this login in it, as it was written. */
  readonly url: (
    login?: string,
    options?: { readonly isTls?: boolean; readonly path?: string },
  ) => string;
  readonly command: (...args: [string, ...string[]]) => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

export function readCertificate(name: string): string {
  return readFileSync(certificatePath(name), 'utf8');
}

function certificatePath(name: string): string {
  return fileURLToPath(new URL(`tls/${name}.pem`, import.meta.url));
}

export async function startForm(form: Form): Promise<FormServer> {
  const { kind, isTls, host } = form;
  const server = await startServer(form, kind === 'cluster' ? clusterLines(form) : []);
  const [entry, sentinel] =
    kind === 'sentinel'
      ? await startSentinelOf(form, server.port).then((one) => [one, one] as const)
      : [server, null];
  if (kind === 'cluster') {
    await server.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await until(async () =>
      String(await server.command('CLUSTER', 'INFO')).includes('cluster_state:ok'),
    );
  }
  const address = `${host === '::1' ? '[::1]' : host}:${entry.port}`;
  return {
    url: (login = '', { isTls: asTls = isTls, path = '' } = {}) =>
      [
        `redis${asTls ? 's' : ''}${kind === 'single' ? '' : `+${kind}`}://`,
        login === '' ? '' : `${login}@`,
        address,
        kind === 'sentinel' ? '/main' : '',
        path,
      ].join(''),
    command: server.command,
    stop: async () => {
      await Promise.all([server.stop(), sentinel?.stop()]);
    },
  };
}

async function startServer({ isTls, logins, certificate }: Form, more: readonly string[]) {
  const server = await startProcess(isTls, [...more], [], certificate);
  // The default user comes last: with its password, `command` needs one.
  const others = logins.filter(({ username }) => username !== undefined);
  const own = logins.find(({ username }) => username === undefined);
  for (const { username = 'default', password } of [...others, ...(own ? [own] : [])]) {
    const rights = ['on', 'resetpass', `>${password}`, '~*', '&*', '+@all'];
    await server.command('ACL', 'SETUSER', username, ...rights);
  }
  server.useLogin(own?.password);
  return server;
}

function clusterLines({ isTls, host }: Form): string[] {
  return [
    'cluster-enabled yes',
    'cluster-config-file nodes.conf',
    `tls-cluster ${isTls ? 'yes' : 'no'}`,
    `cluster-announce-ip ${host === 'localhost' ? '127.0.0.1' : host}`,
    ...(host === 'localhost'
      ? ['cluster-announce-hostname localhost', 'cluster-preferred-endpoint-type hostname']
      : []),
  ];
}

async function startSentinelOf(
  { isTls, host, logins, sentinelPassword, certificate }: Form,
  port: number,
) {
  const login = logins.find(({ username }) => username === undefined);
  return startProcess(
    isTls,
    [
      'sentinel resolve-hostnames yes',
      'sentinel announce-hostnames yes',
      `sentinel monitor main ${host} ${port} 1`,
      ...(login ? [`sentinel auth-pass main ${login.password}`] : []),
      ...(sentinelPassword === undefined ? [] : [`requirepass ${sentinelPassword}`]),
      `tls-replication ${isTls ? 'yes' : 'no'}`,
    ],
    ['--sentinel'],
    certificate,
    sentinelPassword,
  );
}

async function startProcess(
  isTls: boolean,
  lines: readonly string[],
  args: readonly string[],
  certificate = 'cert',
  ownPassword?: string,
) {
  let password = ownPassword;
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'redis-form-'));
  const socket = join(directory, 's');
  const config = join(directory, 'redis.conf');
  writeFileSync(
    config,
    [
      'bind 127.0.0.1 ::1',
      `port ${isTls ? 0 : port}`,
      `tls-port ${isTls ? port : 0}`,
      `tls-cert-file ${certificatePath(certificate)}`,
      `tls-key-file ${certificatePath(certificate.replace('cert', 'key'))}`,
      `tls-ca-cert-file ${certificatePath(certificate)}`,
      'tls-auth-clients optional',
      'protected-mode no',
      `unixsocket ${socket}`,
      `dir ${directory}`,
      'save ""',
      'logfile ""',
      ...lines,
    ].join('\n'),
  );
  const child = spawn('redis-server', [config, ...args], { stdio: 'ignore' });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const command = async (...parts: [string, ...string[]]): Promise<unknown> => {
    const client = new Redis({
      path: socket,
      lazyConnect: true,
      retryStrategy: null,
      ...(password === undefined ? {} : { password }),
    });
    client.on('error', () => {});
    try {
      await client.connect();
      const [name, ...rest] = parts;
      return await client.call(name, ...rest);
    } finally {
      client.disconnect();
    }
  };
  await until(
    () =>
      command('PING').then(
        () => true,
        () => false,
      ),
    20_000,
  );
  return {
    port,
    command,
    useLogin: (given: string | undefined) => {
      password = given;
    },
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
