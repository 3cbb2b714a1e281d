import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCallbackReceiver } from '../support/callback-receiver.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startReplica, type Replica } from '../support/replicas.ts';
import { until } from '../support/until.ts';

// Subscriptions at three replicas on one Redis, of which two are killed. A router would subscribe again where a replica is
// gone; here the test does, as it knows which replica was killed. With SUBSCRIPTIONS=1000 it takes a thousand of them.

const perVerification = 10;
const verifications = Math.ceil(Number(process.env['SUBSCRIPTIONS'] ?? 200) / perVerification);
const document = `subscription ($id: ID!) { verificationEnded(id: $id) { id status user { id } } }`;

let receiver: Awaited<ReturnType<typeof startCallbackReceiver>>;
let redis: RedisServer;
let replicas: Replica[] = [];

beforeAll(async () => {
  [receiver, redis] = await Promise.all([startCallbackReceiver(), startRedis()]);
  replicas = await Promise.all([startOne(), startOne(), startOne()]);
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.kill()));
  await receiver?.stop();
  await redis?.stop();
});

const startOne = (): Promise<Replica> =>
  startReplica(redis.url, null, { SUBSCRIPTION_CALLBACK_URLS: receiver.url });

/** Repeats what could not be done now. */
async function ask(replica: Replica, user: string, body: object) {
  return until(async () => {
    const response = await fetch(`${replica.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-user-id': user },
      body: JSON.stringify(body),
    }).catch(() => null);
    // Tests read deep into answers whose shape they assert.
    // oxlint-disable-next-line typescript/no-explicit-any
    const answer = (await response?.json().catch(() => null)) as { data?: any; errors?: unknown };
    if (!answer || answer.errors) return null;
    const [result] = Object.values(answer.data ?? {}) as { retry?: string }[];
    return result?.retry === 'SAME_KEY' ? null : answer;
  });
}

const at = (place: number): Replica => {
  const replica = replicas[place % replicas.length];
  if (!replica) throw new Error('no replica');
  return replica;
};

interface Watched {
  readonly verification: string;
  readonly user: string;
}

it('each subscription is told of its own verification, once, through kills', async () => {
  const start = `mutation ($input: StartVerificationInput!) { startVerification(input: $input) {
    ... on StartVerificationSuccess { verification { id } } ... on VerificationProblem { retry } } }`;
  const watched = new Map<string, Watched>();
  const subscribe = async (place: number, { verification, user }: Watched): Promise<void> => {
    const id = `many-${watched.size}-${place}`;
    watched.set(id, { verification, user });
    // A router gives the subscription up after this time without a message. It never comes here.
    const extensions = receiver.extensions(id, 600_000);
    await ask(at(place), user, { query: document, variables: { id: verification }, extensions });
  };
  for (let number = 0; number < verifications; number++) {
    const user = `user-${number}`;
    const input = { idempotencyKey: `many-${number}`, channel: 'E_ID', extra: user };
    const { data } = await ask(at(number), user, { query: start, variables: { input } });
    const verification = data.startVerification.verification.id as string;
    const about = { verification, user };
    await Promise.all(
      Array.from({ length: perVerification }, (_, place) => subscribe(place, about)),
    );
  }
  expect(watched.size).toBe(verifications * perVerification);

  const end = async (number: number): Promise<void> => {
    const [, about] = [...watched][number * perVerification] ?? [];
    if (!about) throw new Error('no such verification');
    const query = `mutation ($id: ID!) { cancelVerification(id: $id) {
      ... on CancelVerificationSuccess { verification { id } } ... on VerificationProblem { retry } } }`;
    await ask(at(number), about.user, { query, variables: { id: about.verification } });
  };
  const first = Array.from({ length: verifications / 2 }, (_, number) => number);
  await Promise.all(first.map(end));
  await redis.command('CLIENT', 'KILL', 'TYPE', 'normal');
  await Promise.all(replicas.slice(0, 2).map((replica) => replica.kill()));
  replicas = [at(2), await startOne()];

  // What was open at the replicas that are gone is opened again.
  const isOver = (id: string): boolean => receiver.of(id, 'complete').length > 0;
  const lost = [...watched].filter(
    ([id]) => !id.endsWith('-2') && !id.endsWith('-5') && !id.endsWith('-8') && !isOver(id),
  );
  await Promise.all(
    lost.map(async ([id, { verification, user }]) => {
      const extensions = receiver.extensions(id, 600_000);
      await ask(at(1), user, { query: document, variables: { id: verification }, extensions });
    }),
  );
  await Promise.all(first.map((number) => end(number + verifications / 2)));

  for (const [id, { verification, user }] of watched) {
    const { values, complete } = await receiver.ended(id);
    expect(complete.errors).toBeUndefined();
    const told = { id: verification, status: 'CANCELLED', user: { id: user } };
    // Twice, only if its replica was killed between the value and the end.
    expect(new Set(values.map((value) => JSON.stringify(value)))).toEqual(
      new Set([JSON.stringify({ data: { verificationEnded: told } })]),
    );
    if (!lost.some(([each]) => each === id)) expect(values).toHaveLength(1);
  }
  for (const replica of replicas) {
    await until(async () =>
      (await (await fetch(`${replica.url}/metrics`)).text()).includes(
        'verification_subscriptions_open 0',
      ),
    );
  }
});
