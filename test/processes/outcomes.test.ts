import { createServer } from 'node:http';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/contract/index.ts';
import { createVault } from '../../src/infra/vault.ts';
import { freePort } from '../support/free-port.ts';
import { startMutation, verificationQuery } from '../support/operations.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startReplica, type Replica } from '../support/replicas.ts';
import { listenOnLoopback } from '../support/listen-on-loopback.ts';
import { until } from '../support/until.ts';

// Real processes on one Redis. Their provider's verifications last three seconds plus one of grace, and
// the first follow-up runs twelve seconds after a start.

type Answer = (about: string) => object | Promise<object>;

let redis: RedisServer;
let upstream: Awaited<ReturnType<typeof startUpstream>>;
const replicas: Replica[] = [];
const secret = 'the-secret-of-the-router';
const headers = {
  'content-type': 'application/json',
  'x-router-secret': secret,
  'x-tenant-id': 'tenant-1',
  'x-user-id': 'user-of-outcomes',
  'x-scopes': 'verification:start verification:read verification:redact',
};
const pending = { kind: 'pending', chargedAttempts: 0 };
const passed = {
  kind: 'ended',
  result: {
    ...{ status: 'PASSED', code: '0', reason: 'VERIFIED', message: null, similarity: 97 },
    ...{ completedAtMs: null, billing: 'CHARGED', chargedAttempts: 1, details: null },
  },
};

beforeAll(async () => {
  [redis, upstream] = await Promise.all([startRedis(), startUpstream()]);
  replicas.push(...(await Promise.all([1, 2, 3].map(() => startOne()))));
}, 90_000);
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.kill()));
  await upstream?.stop();
  await redis?.stop();
});

async function startOne(): Promise<Replica> {
  const publicPort = await freePort();
  const env = {
    PUBLIC_PORT: String(publicPort),
    PUBLIC_URL: 'https://idv.example',
    REDIRECT_ORIGINS: 'https://app.example',
    ROUTER_SECRETS: secret,
    TRUST_IDENTITY_HEADERS: 'on',
    BRIEF_ENDPOINT: upstream.url,
    BRIEF_SECRET: 'a-secret-of-brief',
  };
  return startReplica(redis.url, null, env, { main: 'test/support/brief-replica.ts' });
}

/** Returns what the test says, and counts the queries. */
async function startUpstream() {
  const asked: string[] = [];
  let answer: Answer = () => pending;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { action, about } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
        action: string;
        about: string;
      };
      if (action === 'Result') asked.push(about);
      const reply = async (): Promise<void> => {
        const body = action === 'Start' ? {} : await answer(about);
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      };
      reply().catch(() => response.destroy());
    });
  });
  const { url, stop } = await listenOnLoopback(server);
  return {
    ...{ url, stop },
    askedAbout: (name: string) => asked.filter((about) => about === name).length,
    answerBy: (next: Answer) => {
      answer = next;
    },
  };
}

function oneOf(at: number): Replica {
  const replica = replicas[at % replicas.length];
  if (!replica) throw new Error('no replica');
  return replica;
}

// Tests read deep into answers whose shape they assert.
// oxlint-disable-next-line typescript/no-explicit-any
async function send(replica: Replica, query: string, variables: object): Promise<any> {
  // Like a client, it repeats what a busy replica refused.
  return until(async () => {
    const response = await fetch(`${replica.url}/graphql`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(60_000),
    });
    // oxlint-disable-next-line typescript/no-explicit-any
    const { data } = (await response.json()) as { data: any };
    return response.status === 503 ? null : data;
  }, 60_000);
}

async function start(name: string, replica = oneOf(0)): Promise<string> {
  const input = {
    idempotencyKey: name,
    channel: 'FACE_WEB',
    extra: name,
    redirectUrl: 'https://app.example/way-back',
  };
  const data = await send(replica, startMutation, { input });
  const { id } = data.startVerification.verification;
  return id;
}

async function read(at: number, id: string) {
  return (await send(oneOf(at), verificationQuery, { id })).verification;
}

/** The events of a verification. */
async function eventsOf(id: string): Promise<Record<string, string>[]> {
  const entries = (await redis.command('XRANGE', 'vs:live:events', '-', '+')) as [
    string,
    string[],
  ][];
  return entries
    .map(([, fields]) => {
      const pairs = fields.flatMap((name, at) => (at % 2 ? [] : [[name, fields[at + 1] ?? '']]));
      return Object.fromEntries(pairs) as Record<string, string>;
    })
    .filter(({ verificationId }) => verificationId === id);
}

const heardOf = (id: string, withinMs = 40_000) =>
  until(async () => {
    const events = await eventsOf(id);
    return events.length > 0 && events;
  }, withinMs);

describe('the verifications of three replicas on one Redis', () => {
  it('are queried at most once a second, however many people wait', async () => {
    const id = await start('watched');
    upstream.answerBy(() => pending);
    const begunMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 1200));
    for (let round = 0; round < 4; round++) {
      await Promise.all(Array.from({ length: 30 }, (_, at) => read(at, id)));
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    const seconds = (performance.now() - begunMs) / 1000;
    expect(upstream.askedAbout('watched')).toBeGreaterThan(0);
    expect(upstream.askedAbout('watched')).toBeLessThanOrEqual(Math.ceil(seconds));
    upstream.answerBy(() => passed);
    await until(async () => (await read(1, id)).status === 'PASSED');
    expect(await heardOf(id)).toMatchObject([{ status: 'PASSED' }]);
  });

  it('are queried once by a follow-up after the replica that started them died', async () => {
    const doomed = await startOne();
    const id = await start('left alone', doomed);
    await doomed.kill();
    upstream.answerBy(() => passed);
    const events = await heardOf(id);
    expect(events).toEqual([
      {
        ...{ kind: 'verification.ended', id, verificationId: id, tenantId: 'tenant-1' },
        ...{ status: 'PASSED', at: expect.any(String) },
      },
    ]);
    expect(upstream.askedAbout('left alone')).toBe(1);
    expect(await read(2, id)).toMatchObject({ status: 'PASSED', outcome: { evidence: 'QUERIED' } });
  });

  it('are queried again after the querying replica died', async () => {
    let release: ((answer: object) => void) | null = null;
    const id = await start('orphaned');
    upstream.answerBy(
      () =>
        new Promise((resolve) => {
          release = resolve;
        }),
    );
    await until(async () => upstream.askedAbout('orphaned') === 1, 40_000);
    // It is unknown which one, so all are killed and replaced.
    await Promise.all(replicas.splice(0).map((replica) => replica.kill()));
    upstream.answerBy(() => passed);
    replicas.push(...(await Promise.all([1, 2, 3].map(() => startOne()))));
    (release as ((answer: object) => void) | null)?.(pending);
    expect(await heardOf(id, 90_000)).toMatchObject([{ status: 'PASSED' }]);
  }, 180_000);

  it('are queried after Redis was stopped at the time of the follow-up', async () => {
    const id = await start('without Redis');
    upstream.answerBy(() => passed);
    await new Promise((resolve) => setTimeout(resolve, 9000));
    redis.child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 6000));
    redis.child.kill('SIGCONT');
    expect(await heardOf(id, 60_000)).toMatchObject([{ status: 'PASSED' }]);
  }, 120_000);

  it('leave nothing in a dump of Redis after the user is redacted', async () => {
    upstream.answerBy(() => passed);
    const ids = [await start('secret-extra one'), await start('secret-extra two')];
    await new Promise((resolve) => setTimeout(resolve, 1200));
    await read(0, ids[0] ?? '');
    const before = (await redis.command('KEYS', 'vs:*')) as string[];
    const personal = before.filter((key) => key.endsWith(':personal'));
    expect(personal.length).toBeGreaterThanOrEqual(2);
    const lists = before.filter((key) => key.includes(':list:'));
    // The verifications of the user, and those that were passed.
    expect(lists.length).toBe(2);

    const redact = `mutation ($userId: ID!) {
      redactUserData(userId: $userId) { ... on RedactUserDataSuccess { verifications checks } }
    }`;
    const userId = headers['x-user-id'];
    const { redactUserData } = await send(oneOf(1), redact, { userId });
    expect(redactUserData.verifications).toBeGreaterThanOrEqual(2);
    // Later follow-ups and reads bring nothing back.
    await new Promise((resolve) => setTimeout(resolve, 13_000));
    for (const id of ids) await read(2, id);
    const after = (await redis.command('KEYS', '*')) as string[];
    expect(after.filter((key) => key.endsWith(':personal'))).toEqual([]);
    expect(after.filter((key) => key.includes(':list:'))).toEqual([]);
    // Also when it is decrypted with the keys of the store.
    const keys = [{ kid: 'e1', key: new Secret(Buffer.alloc(32, 7).toString('base64')) }];
    const vault = createVault({ keys, mode: 'live' });
    const records = after.filter((key) => key.startsWith('vs:live:record:'));
    expect(records.length).toBeGreaterThanOrEqual(2);
    for (const key of records) {
      const [version, body] = String(await redis.command('GET', key)).split(' ');
      const text = vault.open('record', `${key}#${version}`, body ?? '');
      expect(text).toContain('"status"');
      expect(text).not.toMatch(/secret-extra|brief-token|way-back|VERIFIED|"code"/u);
    }
    for (const key of after) {
      const text = `${key} ${JSON.stringify(await dump(key))}`;
      for (const value of ['secret-extra', userId, 'brief-token', 'way-back']) {
        expect(text).not.toContain(value);
        const plain = createHash('sha256').update(value).digest('hex');
        expect(text).not.toContain(plain);
      }
    }
  }, 90_000);
});

async function dump(key: string): Promise<unknown> {
  const readers: Readonly<Record<string, [string, ...string[]]>> = {
    hash: ['HGETALL', key],
    string: ['GET', key],
    list: ['LRANGE', key, '0', '-1'],
    zset: ['ZRANGE', key, '0', '-1'],
    stream: ['XRANGE', key, '-', '+'],
  };
  const type = String(await redis.command('TYPE', key));
  if (type === 'none') return null;
  const reader = readers[type];
  if (!reader) throw new Error(`${key} is a ${type}`);
  return redis.command(...reader);
}
