import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compose } from '../../examples/supergraph/compose.ts';
import { startAccounts } from '../../examples/supergraph/start-accounts.ts';
import { verificationSdl } from '../../examples/supergraph/start-supergraph.ts';
import { createVerificationClient, httpTransport } from '../../src/client/index.ts';
import { startBalancer } from '../support/balance.ts';
import { freePort } from '../support/free-port.ts';
import {
  audience,
  issuer,
  publicJwk,
  signToken,
  startIdentityProvider,
  type KeyPair,
} from '../support/identity-provider.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startReplica, type Replica } from '../support/replicas.ts';
import { until } from '../support/until.ts';

// Subscriptions as a client gets them: from Hive Gateway, before two replicas on one Redis.

const routerSecret = 'a-secret-that-only-the-router-knows';
const scopes = 'verification:start verification:read verification:redact';
const cancelMutation = `mutation Cancel($id: ID!) {
  cancelVerification(id: $id) { ... on CancelVerificationSuccess { verification { id status } } }
}`;

const redactMutation = `mutation Redact($id: ID!) {
  redactVerification(id: $id) { ... on RedactVerificationSuccess { verification { id } } }
}`;

let keys: KeyPair;
let identities: Awaited<ReturnType<typeof startIdentityProvider>>;
let redis: RedisServer;
let accounts: Awaited<ReturnType<typeof startAccounts>>;
let balancer: Awaited<ReturnType<typeof startBalancer>>;
let hive: Awaited<ReturnType<typeof startHive>>;
let replicas: Replica[] = [];
let gatewayUrl = '';

beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true });
  identities = await startIdentityProvider([await publicJwk(keys, 'k1')]);
  redis = await startRedis();
  const port = await freePort();
  gatewayUrl = `http://127.0.0.1:${port}`;
  replicas = await Promise.all([startOne(), startOne()]);
  balancer = await startBalancer(replicas.map(({ url }) => url));
  accounts = await startAccounts(await freePort());
  const supergraph = compose([
    { name: 'accounts', url: accounts.url, typeDefs: accounts.typeDefs },
    { name: 'verification', url: `${balancer.url}/graphql`, typeDefs: verificationSdl },
  ]);
  hive = await startHive(supergraph, port);
});
afterAll(async () => {
  await hive?.stop();
  await Promise.all(replicas.map((replica) => replica.kill()));
  await balancer?.stop();
  await accounts?.stop();
  await identities?.stop();
  await redis?.stop();
});

function startOne(): Promise<Replica> {
  return startReplica(redis.url, null, {
    ...{ ROUTER_SECRETS: routerSecret, JWT_JWKS_URL: identities.url },
    ...{ JWT_ISSUER: issuer, JWT_AUDIENCE: audience },
    SUBSCRIPTION_CALLBACK_URLS: `${gatewayUrl}/callback`,
  });
}

async function startHive(supergraphSdl: string, port: number) {
  const folder = mkdtempSync(join(tmpdir(), 'hive-'));
  const file = join(folder, 'supergraph.graphql');
  writeFileSync(file, supergraphSdl);
  const child: ChildProcess = spawn(
    process.execPath,
    ['test/support/run-hive-gateway.ts', file, String(port)],
    {
      env: {
        ...{ PATH: process.env['PATH'] ?? '', ROUTER_SECRET: routerSecret },
        GATEWAY_URL: gatewayUrl,
      },
      stdio: 'ignore',
    },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const isReady = (): Promise<boolean> =>
    fetch(`${gatewayUrl}/readiness`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until(isReady, 60_000);
  return {
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const headersOf = async (sub: string) => ({
  authorization: `Bearer ${await signToken(keys, { sub, tenant: 'acme', scope: scopes })}`,
});

function clientOf(user: string) {
  const transport = httpTransport({ url: `${gatewayUrl}/graphql`, headers: () => headersOf(user) });
  return { ...createVerificationClient(transport), transport };
}

let count = 0;
async function start(user = 'ann'): Promise<string> {
  count += 1;
  const { id } = await clientOf(user).start({
    ...{ idempotencyKey: `subscription-${count}`, channel: 'E_ID' },
  });
  return id;
}

/** Repeats what could not be done now. */
const send = (query: string, id: string) =>
  until(async () => {
    const { data } = await clientOf('ann').transport.send<Record<string, object>>(query, { id });
    return Object.values(data ?? {}).some((result) => Object.hasOwn(result, 'verification'));
  });
const cancel = (id: string) => send(cancelMutation, id);

const document = `subscription Ended($id: ID!) {
  verificationEnded(id: $id) { id status user { name } }
}`;

interface Value {
  readonly verificationEnded: object | null;
}

/** Collects what a subscription gives, until it is over. */
function listen(id: string, user = 'ann') {
  const values: unknown[] = [];
  const codes: unknown[] = [];
  const read = async (): Promise<void> => {
    const signal = new AbortController().signal;
    const { subscribe } = clientOf(user).transport;
    for await (const { data, errors } of subscribe<Value>(document, { id }, signal)) {
      if (data) values.push(data.verificationEnded);
      codes.push(...(errors ?? []).map(({ extensions }) => extensions?.code));
    }
  };
  return { values, codes, over: read() };
}

/** How many subscriptions are open at these replicas. */
async function openAt(...asked: readonly Replica[]): Promise<number> {
  const counts = asked.map(async ({ url }) => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(/^verification_subscriptions_open (\d+)$/mu.exec(text)?.[1]);
  });
  return (await Promise.all(counts)).reduce((sum, each) => sum + each, 0);
}

const isOpen = (...asked: readonly Replica[]) => until(async () => (await openAt(...asked)) > 0);
const areBothOpen = (...asked: readonly Replica[]) =>
  until(async () => (await openAt(...asked)) === 2);
const isClosed = () => until(async () => (await openAt(...replicas)) === 0);

describe('a subscription through Hive Gateway', () => {
  it('gets the end once, joined with another subgraph, whichever replica learns it', async () => {
    for (let round = 0; round < 4; round++) {
      const id = await start();
      const heard = listen(id);
      await isOpen(...replicas);
      await cancel(id);
      await heard.over;
      expect(heard).toMatchObject({
        values: [{ id, status: 'CANCELLED', user: { name: 'Ann' } }],
        codes: [],
      });
      await isClosed();
    }
  });

  it('tells nobody else', async () => {
    const id = await start();
    const [mine, other] = [listen(id), listen(id, 'bob')];
    await isOpen(...replicas);
    await cancel(id);
    await Promise.all([mine.over, other.over]);
    expect(mine.values).toMatchObject([{ id, status: 'CANCELLED' }]);
    expect(other.values).toEqual([null]);
    await expect(clientOf('bob').waitForEnd(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await isClosed();
  });

  it('is over without a value after a redaction', async () => {
    const id = await start();
    const heard = listen(id);
    const waiting = clientOf('ann').waitForEnd(id);
    waiting.catch(() => {});
    await areBothOpen(...replicas);
    await send(redactMutation, id);
    await heard.over;
    expect(heard).toMatchObject({ values: [], codes: [] });
    await expect(waiting).rejects.toMatchObject({ code: 'REDACTED' });
    await isClosed();
  });

  it('is not lost when the connections of Redis are cut', async () => {
    const id = await start();
    const heard = listen(id);
    await isOpen(...replicas);
    await redis.command('CLIENT', 'KILL', 'TYPE', 'normal');
    await cancel(id);
    await heard.over;
    expect(heard.values).toMatchObject([{ id, status: 'CANCELLED' }]);
    await isClosed();
  });

  it('begins again at another replica after a kill', async () => {
    const [first, second] = replicas;
    if (!first || !second) throw new Error('no replicas');
    const id = await start();
    balancer.use([first.url]);
    balancer.cut();
    const waiting = clientOf('ann').waitForEnd(id);
    await isOpen(first);
    balancer.use([second.url]);
    await first.kill();
    await cancel(id);
    expect(await waiting).toMatchObject({ id, status: 'CANCELLED' });
    replicas = [await startOne(), second];
    balancer.use(replicas.map(({ url }) => url));
  });

  it('begins again at another replica when the first one stops', async () => {
    const [first, second] = replicas;
    if (!first || !second) throw new Error('no replicas');
    const id = await start();
    balancer.use([first.url]);
    balancer.cut();
    const heard = listen(id);
    const waiting = clientOf('ann').waitForEnd(id);
    await areBothOpen(first);
    balancer.use([second.url]);
    first.child.kill('SIGTERM');
    // At once, and with no error.
    await heard.over;
    expect(heard).toMatchObject({ values: [], codes: [] });
    await isOpen(second);
    await cancel(id);
    expect(await waiting).toMatchObject({ id, status: 'CANCELLED' });
    replicas = [second];
    balancer.use([second.url]);
  });
});
