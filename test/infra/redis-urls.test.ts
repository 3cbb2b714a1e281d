import { createServer, type AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import {
  connectRedis,
  waitForRedis,
  type RedisClient,
  type RedisConnection,
} from '../../src/infra/redis/connect-redis.ts';
import type { Log } from '../../src/ports/index.ts';
import { evicts } from '../../src/infra/redis/evicts.ts';
import { parseRedisUrl } from '../../src/infra/redis/parse-redis-url.ts';
import { watchRedisState } from '../../src/infra/redis/watch-redis-state.ts';
import { freePort } from '../support/free-port.ts';
import {
  readCertificate,
  startForm,
  type Form,
  type FormServer,
  type Host,
  type Kind,
} from '../support/redis-forms.ts';
import { until } from '../support/until.ts';

const kinds: readonly Kind[] = ['single', 'cluster', 'sentinel'];
const hosts: readonly Host[] = ['localhost', '127.0.0.1', '::1'];
/** As it stands in the URL, and as the server knows it. */
const logins = {
  'no password': { text: '', login: null },
  'a password': { text: ':only-a-password', login: { password: 'only-a-password' } },
  'user and password': { text: 'app:pass', login: { username: 'app', password: 'pass' } },
  'encoded characters': {
    text: 'a%40pp%2F:p%40%2F%25%23%3Aß',
    login: { username: 'a@pp/', password: 'p@/%#:ß' },
  },
  'a raw colon': { text: 'colon:a:b:c', login: { username: 'colon', password: 'a:b:c' } },
} as const;
const users = Object.values(logins).flatMap(({ login }) => login ?? []);

const open: (() => Promise<void> | void)[] = [];
afterAll(async () => {
  for (const close of open.toReversed()) await close();
});

async function start(form: Form): Promise<FormServer> {
  const server = await startForm(form);
  open.push(server.stop);
  return server;
}

/** `told` gets the class of each fault that is logged. */
function connect(connection: RedisConnection, told: unknown[] = []) {
  const log: Log = {
    event: (_severity, _name, fields) => told.push('reason' in fields ? fields.reason : null),
  };
  const state = watchRedisState(log);
  const client = connectRedis(connection, state);
  open.push(() => client.disconnect());
  return { client, state };
}

async function isUsable(client: RedisClient, withinMs = 10_000): Promise<boolean> {
  await waitForRedis(client, withinMs);
  if (client.status !== 'ready') return false;
  await client.set('{k}', 'v');
  return (await client.get('{k}')) === 'v';
}

const tls = { ca: readCertificate('cert') };

describe.each(kinds)('a %s URL', (kind) => {
  describe.each([false, true])('with TLS: %s', (isTls) => {
    it.each(hosts)(
      'connects to %s with each form of login',
      async (host) => {
        const free = await start({ kind, isTls, host, logins: [] });
        const locked = await start({ kind, isTls, host, logins: users });
        for (const [name, { text, login }] of Object.entries(logins)) {
          const { client } = connect({ url: (login ? locked : free).url(text), tls });
          expect(await isUsable(client), name).toBe(true);
          client.disconnect();
        }
      },
      60_000,
    );
  });

  it('with TLS is never served in clear text', async () => {
    const { url } = await start({ kind, isTls: false, host: '127.0.0.1', logins: [] });
    const { client, state } = connect({ url: url(':secret', { isTls: true }), tls });
    await until(async () => state.fault() !== null);
    expect(await isUsable(client, 1000)).toBe(false);
  }, 30_000);

  it('with TLS sends nothing but the handshake', async () => {
    const bytes: Buffer[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => bytes.push(data));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const prefix = kind === 'single' ? 'rediss' : `rediss+${kind}`;
    const path = kind === 'sentinel' ? '/main' : '';
    const { client } = connect({ url: `${prefix}://user:secret@127.0.0.1:${port}${path}`, tls });
    await until(async () => bytes.length > 0);
    await isUsable(client, 500);
    client.disconnect();
    // 22 is the type of a TLS handshake record.
    expect(bytes[0]?.[0]).toBe(22);
    expect(Buffer.concat(bytes).toString('latin1')).not.toMatch(/AUTH|HELLO|secret|PING/iu);
  }, 30_000);

  it('accepts a certificate that names the host only', async () => {
    const { url } = await start({
      ...{ kind, isTls: true, host: 'localhost', logins: [] },
      certificate: 'host-only-cert',
    });
    const { client } = connect({ url: url(), tls: { ca: readCertificate('host-only-cert') } });
    expect(await isUsable(client)).toBe(true);
  }, 30_000);

  it('accepts a certificate for another name if the name is set', async () => {
    const { url } = await start({
      ...{ kind, isTls: true, host: '127.0.0.1', logins: [] },
      certificate: 'host-only-cert',
    });
    const ca = readCertificate('host-only-cert');
    const { client } = connect({ url: url(), tls: { ca, serverName: 'localhost' } });
    expect(await isUsable(client)).toBe(true);
  }, 30_000);
});

it('sentinels may have a password of their own', async () => {
  const { url } = await start({
    ...{ kind: 'sentinel', isTls: false, host: '127.0.0.1', logins: users },
    sentinelPassword: 'of-the-sentinels',
  });
  const sentinelLogin = { password: 'of-the-sentinels' };
  expect(await isUsable(connect({ url: url('app:pass'), sentinelLogin }).client)).toBe(true);
  const { client, state } = connect({ url: url('app:pass') });
  await until(async () => state.fault() === 'credentials');
  expect(client.status).not.toBe('ready');
}, 30_000);

it('a client certificate is shown to a server that demands one', async () => {
  const { url, command } = await start({
    ...{ kind: 'single', isTls: true, host: '127.0.0.1', logins: [] },
  });
  await command('CONFIG', 'SET', 'tls-auth-clients', 'yes');
  const { client, state } = connect({ url: url(), tls });
  await until(async () => state.fault() === 'tls');
  expect(client.status).not.toBe('ready');
  const own = { cert: readCertificate('cert'), key: readCertificate('key') };
  expect(await isUsable(connect({ url: url(), tls: { ...tls, ...own } }).client)).toBe(true);
}, 30_000);

it('the database in the URL is used', async () => {
  const { url, command } = await start({
    ...{ kind: 'single', isTls: false, host: '127.0.0.1', logins: [] },
  });
  const { client } = connect({ url: url('', { path: '/3' }) });
  expect(await isUsable(client)).toBe(true);
  expect(await command('INFO', 'keyspace')).toMatch(/db3:keys=1/u);
}, 30_000);

describe('the class of a fault', () => {
  it.each(kinds)(
    'is told when nothing listens: %s',
    async (kind) => {
      const path = kind === 'sentinel' ? '/main' : '';
      const prefix = kind === 'single' ? 'redis' : `redis+${kind}`;
      const { state } = connect({ url: `${prefix}://127.0.0.1:${await freePort()}${path}` });
      await until(async () => state.fault() !== null);
      expect(state.fault()).toBe('refused');
    },
    30_000,
  );

  it('is told for an unknown host', async () => {
    const { state } = connect({ url: 'redis://no-such-host.invalid:6379' });
    await until(async () => state.fault() !== null);
    expect(state.fault()).toBe('name');
  }, 30_000);

  it.each(kinds)(
    'is told for a wrong password: %s',
    async (kind) => {
      const { url } = await start({ kind, isTls: false, host: '127.0.0.1', logins: users });
      const { state } = connect({ url: url('app:wrong') });
      await until(async () => state.fault() !== null);
      expect(state.fault()).toBe('credentials');
    },
    30_000,
  );

  it('is told for missing rights', async () => {
    const { url, command } = await start({
      ...{ kind: 'single', isTls: false, host: '127.0.0.1', logins: users },
    });
    await command('ACL', 'SETUSER', 'app', '-set');
    const { client, state } = connect({ url: url('app:pass') });
    await waitForRedis(client, 5000);
    await expect(client.set('k', 'v')).rejects.toThrow('NOPERM');
    expect(state.fault()).toBe('credentials');
  }, 30_000);

  it('is not told for CONFIG and INFO, which the service can do without', async () => {
    const { url, command } = await start({
      ...{ kind: 'single', isTls: false, host: '127.0.0.1', logins: users },
    });
    await command('ACL', 'SETUSER', 'app', '-config', '-info');
    const { client, state } = connect({ url: url('app:pass') });
    await waitForRedis(client, 5000);
    expect(await evicts(client)).toBeNull();
    expect(state.fault()).toBeNull();
  }, 30_000);

  it.each(kinds)(
    'is told for a certificate that is not trusted: %s',
    async (kind) => {
      const { url } = await start({ kind, isTls: true, host: '127.0.0.1', logins: [] });
      const { state } = connect({ url: url() });
      await until(async () => state.fault() !== null);
      expect(state.fault()).toBe('tls');
    },
    30_000,
  );

  it.each(kinds)(
    'is told for servers without TLS: %s',
    async (kind) => {
      const { url } = await start({ kind, isTls: false, host: '127.0.0.1', logins: [] });
      const told: unknown[] = [];
      const { state } = connect({ url: url('', { isTls: true }), tls }, told);
      await until(async () => state.fault() !== null);
      await new Promise((resolve) => setTimeout(resolve, 3000));
      expect(state.fault()).toBe('tls');
      expect(told).toEqual(['tls']);
    },
    30_000,
  );

  it('is told for a database that the server does not have, and no command runs in another', async () => {
    const { url, command } = await start({
      ...{ kind: 'single', isTls: false, host: '127.0.0.1', logins: [] },
    });
    const { client, state } = connect({ url: url('', { path: '/99' }) });
    await until(async () => state.fault() === 'database');
    await client.set('k', 'v').catch(() => {});
    expect(await command('DBSIZE')).toBe(0);
  }, 30_000);

  it('is told while the server is full or only reads, and ends when it works again', async () => {
    const { url, command } = await start({
      ...{ kind: 'single', isTls: false, host: '127.0.0.1', logins: [] },
    });
    const { client, state } = connect({ url: url() });
    await waitForRedis(client, 5000);
    await command('CONFIG', 'SET', 'maxmemory', '1');
    await client.set('k', 'v').catch(() => {});
    expect(state.fault()).toBe('full');
    await command('CONFIG', 'SET', 'maxmemory', '0');
    await client.set('k', 'v');
    expect(state.fault()).toBeNull();
    await command('REPLICAOF', '127.0.0.1', '1');
    await client.set('k', 'v').catch(() => {});
    expect(state.fault()).toBe('read_only');
    await command('REPLICAOF', 'NO', 'ONE');
    await until(async () =>
      client.set('k', 'v').then(
        () => true,
        () => false,
      ),
    );
    expect(state.fault()).toBeNull();
  }, 30_000);
});

describe('a URL', () => {
  it.each([
    ['redis://h', { nodes: [{ host: 'h', port: 6379 }], database: 0 }],
    ['redis://h/', { database: 0 }],
    ['rediss://user:pass@redis.example:6380/1', { isTls: true, username: 'user', database: 1 }],
    ['redis://:p@h', { username: undefined, password: 'p' }],
    ['redis://u:a:b@h', { username: 'u', password: 'a:b' }],
    ['redis://u:a@b@h', { password: 'a@b' }],
    [
      'redis+cluster://a:1,b,[::1]:3',
      {
        nodes: [
          { host: 'a', port: 1 },
          { host: 'b', port: 6379 },
          { host: '::1', port: 3 },
        ],
      },
    ],
    [
      'redis+sentinel://a,b:2/main',
      {
        nodes: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 2 },
        ],
        master: 'main',
      },
    ],
    ['rediss+sentinel://u:p@a:1/main/4', { isTls: true, master: 'main', database: 4 }],
  ])('%s is understood', (url, expected) => {
    expect(parseRedisUrl(url)).toMatchObject({ target: expected });
  });

  it.each([
    ['http://a:1', /must be redis/u],
    ['redis://', /must be redis/u],
    ['redis://a,b', /must be redis/u],
    ['redis://a:0', /must be redis/u],
    ['redis://a:70000', /must be redis/u],
    ['redis://a:x', /must be redis/u],
    ['redis://::1:6379', /must be redis/u],
    ['redis://[::g]', /must be redis/u],
    ['redis+cluster://', /must be redis/u],
    ['redis+cluster://a,,b', /must be redis/u],
    ['redis+cluster://a:1/2', /must name no database/u],
    ['redis+sentinel://a:1', /must be redis/u],
    ['redis+sentinel://a:1/', /must be redis/u],
    ['redis+sentinel://a:1/main/x', /database by a number/u],
    ['redis://a/x', /database by a number/u],
    ['redis://a/-1', /database by a number/u],
    ['redis://a/1/2', /must be redis/u],
    ['redis://a/123456', /database by a number/u],
    ['redis://u:50%@a', /write it as %25/u],
    ['redis://u:%E0%A4@a', /write it as %25/u],
    ['redis://u:p@a?tls=true', /must have no blanks/u],
    ['redis://u:p#x@a', /must have no blanks/u],
  ])('%s is refused', (url, mistake) => {
    const parsed = parseRedisUrl(url);
    expect('mistake' in parsed && parsed.mistake).toMatch(mistake);
  });
});
