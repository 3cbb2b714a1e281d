import { ApolloServer } from '@apollo/server';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import DataLoader from 'dataloader';
import Fastify from 'fastify';
import { gql } from 'graphql-tag';
import { Redis } from 'ioredis';
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  randomUUID,
  randomFillSync,
} from 'node:crypto';
import { pino } from 'pino';
import { Counter, Histogram } from 'prom-client';
import { Pool } from 'undici';
import { eId } from '../../providers/tencent-cn/e-id.ts';
import { tencentCn } from '../../providers/tencent-cn/index.ts';
import { settingsSchema } from '../../providers/tencent-cn/settings.ts';
import { signTc3 } from '../../providers/tencent/sign-tc3.ts';
import { Secret } from '../../src/contract/index.ts';
import { sealCapability } from '../../src/core/records/capability.ts';
import { withTimeout } from '../../src/core/with-timeout.ts';
import { assembleSchema } from '../../src/graphql/assemble-schema.ts';
import { createAdmission } from '../../src/http/admission.ts';
import { createCockatielBreaker } from '../../src/infra/cockatiel-breaker.ts';
import { batchWrites } from '../../src/infra/redis/batch-writes.ts';
import { settleClaim, startClaim, takeClaim } from '../../src/infra/redis/claim-scripts.ts';
import { createUpstreamClient } from '../../src/infra/send-upstream.ts';
import { createRedisLedger } from '../../src/infra/redis/redis-ledger.ts';
import type { UpstreamConnection } from '../../src/ports/index.ts';

// The least that the promises of a start cost: their Redis commands in their order, their encryption and their
// signature, written straight down. It handles no failure. The last level takes admission, breaker and connections of
// this service, each of which is a promise of its own.
// PROMISES adds them one by one (`bench/least.ts`).
const promises = Number(process.env['PROMISES'] ?? 9);
const [claimed, sealed, limited, followedUp, signed, described, operated, guarded, told] = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9],
].map((level) => promises >= level);

const redis = new Redis(process.env['REDIS_URL'] ?? '');
batchWrites(redis);
const ledger = createRedisLedger({
  client: Object.assign(redis, { isCluster: false }),
  mode: 'least',
  bounds: { mostEntries: 200_000, days: 400 },
  ...{ scopes: null, now: Date.now },
});
const providerUrl = process.env['PROVIDER_URL'] ?? '';
const provider = new Pool(providerUrl, { connections: 64 });
const upstream = createUpstreamClient();
const breaker = createCockatielBreaker({ now: Date.now, faultsToOpen: 5 });
const admission = createAdmission();
const hashKeys = [{ kid: 'h1', key: new Secret(Buffer.alloc(32, 7).toString('base64')) }] as const;
const key = createSecretKey(Buffer.alloc(32, 7));
const [secretId, secretKey] = [new Secret('AKIDbench'), new Secret('bench-secret-key')];

const log = pino({ base: null }, pino.destination({ sync: false, minLength: 4096 }));
const settings = settingsSchema.parse({
  ...{ SECRET_ID: 'AKIDbench', SECRET_KEY: 'bench-secret-key', MERCHANT_ID: 'm' },
});
const labelNames = ['operation'];
const durations = new Histogram({ name: 'least_seconds', help: 'of operations', labelNames });
const outcomes = new Counter({ name: 'least_outcomes', help: 'of operations', labelNames });

const typeDefs = gql`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Verification @key(fields: "id") {
    id: ID!
    status: String!
    url: String
    createdAt: String!
  }
  input StartInput {
    idempotencyKey: ID!
    channel: String!
    name: String
    idNumber: String
  }
  type Mutation {
    start(input: StartInput!): Verification!
  }
  type Query {
    verification(id: ID!): Verification
  }
`;

interface Input {
  readonly idempotencyKey: string;
  readonly name: string;
  readonly idNumber: string;
}

interface Context {
  readonly load: DataLoader<string, object>;
}

const resolvers = {
  Verification: {
    __resolveReference: ({ id }: { id: string }, context: Context) => context.load.load(id),
  },
  Mutation: { start: (_parent: unknown, { input }: { input: Input }) => startVerification(input) },
};

/** The schema of callers: its rules for input, and outcomes as data. */
const describedResolvers = {
  Mutation: {
    startVerification: async (
      _parent: unknown,
      { input }: { input: Input & { readonly subject: Pick<Input, 'name' | 'idNumber'> } },
    ) => {
      const made = await startVerification({ ...input, ...input.subject });
      const launch = { __typename: 'VerificationRedirect', ...made };
      return { __typename: 'StartVerificationSuccess', verification: { ...made, launch } };
    },
  },
};

/** What a plugin demands of the input. */
function check({ name, idNumber }: Input): void {
  const rest = { referenceImage: null, extra: null, options: null, identity: 'MASKED' } as const;
  const input = { subject: { name, idNumber }, hasRedirectUrl: false, ...rest };
  const prepared = eId.prepare(input, { settings, doubt: () => {}, nowMs: Date.now() });
  if ('problems' in prepared) throw new Error('the input is refused');
}

/** A trip that ends in time, and is counted. */
async function trip<T>(name: string, work: Promise<T>): Promise<T> {
  if (!operated) return work;
  const startedMs = performance.now();
  const done = await withTimeout(1000, work, () => {
    throw new Error(`${name} took too long`);
  });
  durations.observe({ operation: name }, (performance.now() - startedMs) / 1000);
  return done;
}

async function startVerification({ idempotencyKey, name, idNumber }: Input): Promise<object> {
  if (operated) check({ idempotencyKey, name, idNumber });
  const id = randomUUID();
  const expiresAtMs = Date.now() + 3 * 24 * 3600 * 1000;
  const place = `record:{${nameOf(id)}}`;
  const claim = `claim:${nameOf(idempotencyKey)}`;
  const cache = `cache:${nameOf(`${name} ${idNumber}`)}`;
  const open = {
    id,
    status: 'PENDING',
    createdAt: new Date().toISOString(),
    extra: idempotencyKey,
    // To say later whether the person is the one of the start, and for the way back from the provider's page.
    subject: guarded ? [nameOf(name), nameOf(idNumber)] : null,
    back: guarded
      ? sealCapability(hashKeys, { purpose: 'return', recordId: id, expiresAtMs })
      : null,
  };
  const [owner, month] = ['owner', 30 * 24 * 3600 * 1000];
  let fence = '';
  if (claimed) {
    const list = `list:${nameOf('user')}`;
    const takes = Promise.all([
      takeClaim.run(redis, claim, [nameOf(idNumber), seal(id), owner, 'free_start', 10_000]),
      save(place, open),
      redis.zadd(list, Date.now(), id),
      redis.pexpire(list, month),
      redis.get(cache),
    ]);
    const [taken] = await trip('claim', takes);
    fence = (taken as [string, string])[1];
  }
  const connection = guarded ? await upstream.connect(providerUrl, 1500) : null;
  const turn = Promise.all([limited ? reserve('quota') : null, followedUp ? plan(id) : null]);
  await trip('turn', turn);
  if (claimed) {
    const starts = Promise.all([
      startClaim.run(redis, claim, [owner, fence, 'claimed', 10_000, month]),
      redis.mget(place, `${place}:personal`),
    ]);
    await trip('start', starts);
  }
  const body = JSON.stringify({ MerchantId: 'm', Name: name, IdCard: idNumber });
  const url = await trip('call', callProvider(body, connection));
  const made = { ...open, url };
  if (operated) {
    log.info({ event: 'upstream_call', provider: 'least', action: 'GetEidToken', outcome: 'ok' });
    outcomes.inc({ operation: 'start' });
  }
  if (claimed) {
    await trip('keep', Promise.all([save(place, made), told ? tell(id) : null]));
    const settles = Promise.all([
      settleClaim.run(redis, claim, [owner, fence, 'done', month]),
      redis.set(cache, seal(id), 'PX', 600_000),
    ]);
    await trip('settle', settles);
  } else {
    await redis.set(id, JSON.stringify(made));
  }
  return made;
}

/** What the ledger learns of a start. */
function tell(recordId: string): Promise<void> {
  const [callerHash, userHash] = ['caller', 'user'].map(nameOf);
  return ledger.append([
    {
      ...{ kind: 'started', atMs: Date.now(), tenantId: 'bench', recordId, callerHash, userHash },
      ...{ providerId: 'tencent-cn', account: 'default', jurisdiction: 'CN', channel: 'E_ID' },
      ...{ action: 'GetEidToken', checks: 'LIVENESS FACE_MATCH', identityLevel: 'MASKED' },
    },
  ]);
}

function nameOf(text: string): string {
  return sealed ? createHmac('sha256', key).update(text).digest('base64url') : text;
}

/** For the bench: fifty records, as they would be stored. */
for (let at = 0; at < 50; at++) {
  await save(`record:{${nameOf(`least-${at}`)}}`, { id: `least-${at}`, status: 'PASSED' });
}

function seal(text: string): string {
  if (!sealed) return text;
  const iv = randomFillSync(Buffer.alloc(12));
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const begun = cipher.update(text, 'utf8');
  return Buffer.concat([iv, begun, cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

/** A body, and a personal part with a life of its own. */
async function save(place: string, record: object): Promise<void> {
  const text = JSON.stringify({ ...record, more: 'x'.repeat(300) });
  await Promise.all([
    redis.set(place, seal(text), 'PX', 30 * 24 * 3600 * 1000),
    redis.set(`${place}:personal`, seal(text.slice(0, 200)), 'PX', 3 * 24 * 3600 * 1000),
  ]);
}

async function reserve(quota: string): Promise<void> {
  await redis.eval(
    `local now = redis.call('TIME')
     redis.call('LINDEX', KEYS[1], 0)
     redis.call('LINDEX', KEYS[1], 999)
     redis.call('LPUSH', KEYS[1], now[1])
     redis.call('LTRIM', KEYS[1], 0, 999)
     redis.call('PEXPIRE', KEYS[1], 86400000)`,
    ...[1, quota],
  );
}

async function plan(id: string): Promise<void> {
  await redis.zadd('{least}:planned', 'NX', Date.now() + 660_000, id);
}

async function callProvider(body: string, connection: UpstreamConnection | null): Promise<string> {
  const request = { service: 'faceid', host: 'h', contentType: 'application/json' };
  const timestamp = Math.floor(Date.now() / 1000);
  const authorization = signed
    ? signTc3({ ...request, body, timestamp }, secretId, secretKey)
    : 'none';
  const headers = {
    ...{ 'content-type': 'application/json', 'x-tc-action': 'GetEidToken', authorization },
  };
  if (connection) return callGuarded(connection, headers, body);
  const answered = await provider.request({ method: 'POST', path: '/', body, headers });
  const { Response: found } = (await answered.body.json()) as { Response: { Url: string } };
  return found.Url;
}

/** A connection before the slot, the slot checked right before the write, and a breaker that counts faults. */
async function callGuarded(
  connection: UpstreamConnection,
  headers: Record<string, string>,
  body: string,
): Promise<string> {
  const slotMs = performance.now();
  const { body: answered } = await breaker.run('least', () =>
    upstream.send(
      { method: 'POST', url: providerUrl, headers, body: Buffer.from(body) },
      {
        ...{ timeoutMs: 6000, maxBytes: 1024 * 1024, connection },
        isInTime: () => performance.now() - slotMs < 1000,
      },
    ),
  );
  const { Response: found } = JSON.parse(answered.toString()) as { Response: { Url: string } };
  return found.Url;
}

/** Both parts of each record, opened and decoded. */
async function loadAll(ids: readonly string[]): Promise<object[]> {
  const places = ids.map((id) => `record:{${nameOf(id)}}`);
  const texts = await redis.mget(...places.flatMap((place) => [place, `${place}:personal`]));
  return ids.map((id, at) => ({
    ...{ id, createdAt: '2026-11-26', status: 'PASSED' },
    ...JSON.parse(unseal(texts[2 * at] ?? '') || '{}'),
    personal: unseal(texts[2 * at + 1] ?? ''),
  }));
}

function unseal(text: string): string {
  if (!sealed || text === '') return text;
  const data = Buffer.from(text, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, 12));
  decipher.setAuthTag(data.subarray(-16));
  return Buffer.concat([decipher.update(data.subarray(12, -16)), decipher.final()]).toString();
}

const apollo = new ApolloServer<Context>({
  schema: described
    ? assembleSchema([tencentCn], describedResolvers)
    : buildSubgraphSchema([{ typeDefs, resolvers }]),
});
await apollo.start();
const server = Fastify();
if (guarded) {
  server.addHook('onRequest', async (_request, reply) => {
    const { leave } = await admission.enter();
    reply.raw.once('close', leave);
  });
}
server.get('/', () => ({}));
server.post(
  '/graphql',
  fastifyApolloHandler(apollo, { context: async () => ({ load: new DataLoader(loadAll) }) }),
);
await server.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) });
// A profile is written when the process ends by itself.
process.once('SIGTERM', () => process.exit());
