import type { RedisServer } from '../../test/support/redis.ts';
import { checkMutation, startMutation, verificationQuery } from '../../test/support/operations.ts';
import { Redis } from 'ioredis';
import { sendAll, type Request } from './send-all.ts';
import type { MeasuredProcess } from './start-process.ts';

export type Subject = MeasuredProcess;
export type SubjectName = 'ours' | 'bare' | 'express-sdk' | 'apollo-fastify' | 'mercurius';

export interface BenchState {
  readonly subjects: ReadonlyMap<SubjectName, Subject>;
  readonly redis: RedisServer;
  readonly provider: MeasuredProcess;
  /** How many requests a round has, and how many rounds follow the warm-up, which is round -1. */
  readonly requests: number;
  readonly rounds: number;
}

/** The requests of one round, and what their responses must be. */
export interface Round {
  readonly requests: readonly Request[];
  readonly check: (body: unknown) => void;
}

export interface Operation {
  readonly name: string;
  readonly subjects: readonly SubjectName[];
  readonly prepare: (state: BenchState) => Promise<(name: SubjectName, round: number) => Round>;
}

const person = { name: '韦小宝', idNumber: '110105199003072039' };
const card = { cardNumber: '6225768888888888', phone: '13800138000' };
const scopes = 'verification:start verification:read bankcard:check';
/** In every key, so that runs on one Redis share nothing. */
const run = Date.now().toString(36);

const entitiesQuery = `query ($r: [_Any!]!) { _entities(representations: $r) {
  ... on Verification { id status createdAt } } }`;
/** The same fields as the peers return, and the problems that a frontend has to tell apart. */
const shortStart = `mutation ($input: StartVerificationInput!) { startVerification(input: $input) {
  ... on StartVerificationSuccess { verification { id status createdAt launch {
    ... on VerificationRedirect { url } } } }
  ... on VerificationProblem { code message retry } } }`;
const peerStart = `mutation ($input: StartInput!) { start(input: $input) { id status url createdAt } }`;
const perEntityRequest = 50;

export const operations: readonly Operation[] = [
  {
    name: 'start',
    subjects: ['ours', 'bare', 'express-sdk', 'apollo-fastify'],
    prepare: async ({ requests }) => {
      return (name, round) =>
        startRound(name, keysOf(`start-${name}-${round}`, requests), shortStart);
    },
  },
  {
    name: 'start all fields',
    subjects: ['ours'],
    prepare: async ({ requests }) => {
      return (name, round) => startRound(name, keysOf(`all-${name}-${round}`, requests));
    },
  },
  {
    name: 'card paid',
    subjects: ['ours', 'express-sdk'],
    prepare: async ({ requests }) => {
      return (name, round) => cardRound(name, keysOf(`paid-${name}-${round}`, requests));
    },
  },
  {
    name: 'card cached',
    subjects: ['ours'],
    prepare: async (state) => {
      const cards = keysOf('cards', state.requests);
      await sendOurs(state, cardRound('ours', cards));
      return (_name, round) => ({
        ...cardRound('ours', keysOf(`cached-${round}`, state.requests), cards),
        check: demand('"cached":true'),
      });
    },
  },
  {
    name: 'card replayed',
    subjects: ['ours'],
    prepare: async (state) => {
      const keys = keysOf('card-replay', state.requests);
      await sendOurs(state, cardRound('ours', keys));
      return () => ({ ...cardRound('ours', keys), check: demand('"replayed":true') });
    },
  },
  {
    name: 'poll asked',
    subjects: ['ours'],
    prepare: async (state) => {
      const started = await startMany(state, 'asked');
      // A verification is asked about a second after it was started at the earliest.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return (_name, round) => pollRound(started[round + 1] ?? [], '"status":"PENDING"');
    },
  },
  {
    name: 'poll ends',
    subjects: ['ours'],
    prepare: async (state) => {
      const started = await startMany(state, 'ends');
      await fetch(`${state.provider.url}/end`, { method: 'POST' });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return (_name, round) => pollRound(started[round + 1] ?? [], '"status":"PASSED"');
    },
  },
  {
    name: 'poll known',
    subjects: ['ours'],
    prepare: async (state) => {
      const polled = await endedVerifications(state, 'known');
      return () => pollRound(polled, '"status":"PASSED"');
    },
  },
  {
    name: 'replay',
    subjects: ['ours'],
    prepare: async (state) => {
      const keys = keysOf('replay', state.requests);
      await sendOurs(state, startRound('ours', keys));
      // The replay of a pending verification asks the provider, once a second. From here on the provider ends all.
      await fetch(`${state.provider.url}/end`, { method: 'POST' });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const isReplayed = demand('"replayed":true');
      await sendOurs(state, { ...startRound('ours', keys), check: isReplayed });
      return () => ({ ...startRound('ours', keys), check: isReplayed });
    },
  },
  {
    name: 'entities',
    subjects: ['ours', 'bare', 'apollo-fastify', 'mercurius'],
    prepare: async (state) => {
      const ended = await endedVerifications(state, 'entities');
      const ids = keysOf('entity', ended.length).map((key) => `apollo:${key}`);
      const client = new Redis(state.redis.url);
      for (const id of ids) {
        const stored = {
          id,
          status: 'PASSED',
          url: 'https://eid.example/x',
          createdAt: '2026-11-26',
        };
        await client.set(id, JSON.stringify({ ...stored, more: 'x'.repeat(400) }));
      }
      client.disconnect();
      return (name) => entitiesRound(name, state.requests, name === 'ours' ? ended : ids);
    },
  },
];

interface OwnedId {
  readonly id: string;
  readonly userId: string;
}

function keysOf(name: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${run}-${name}-${at}`);
}

function oursRequest(query: string, variables: object, userId: string): Request {
  return {
    path: '/graphql',
    headers: {
      'x-router-secret': 'the-secret-of-the-router',
      'x-tenant-id': 'bench',
      'x-user-id': userId,
      'x-scopes': scopes,
    },
    body: { query, variables },
  };
}

function startRound(
  name: SubjectName,
  keys: readonly string[],
  document: string = startMutation,
): Round {
  const requestOf: Readonly<Record<string, (key: string) => Request>> = {
    ours: (key) => {
      const input = { idempotencyKey: key, channel: 'E_ID', subject: person, extra: key };
      return oursRequest(document, { input }, `user-${key}`);
    },
    bare: (key) => ({ path: '/start', body: { key, ...person } }),
    'express-sdk': (key) => ({ path: '/start', body: { key, ...person } }),
    'apollo-fastify': (key) => ({
      path: '/graphql',
      body: {
        query: peerStart,
        variables: { input: { idempotencyKey: key, channel: 'E_ID', ...person } },
      },
    }),
  };
  return {
    requests: keys.map((key) => made(requestOf[name], key)),
    check: demand('https://eid.faceid.qq.com'),
  };
}

function cardRound(name: SubjectName, keys: readonly string[], cards = keys): Round {
  return {
    requests: keys.map((key, at) => {
      const subject = { ...person, name: nameOf(cards[at] ?? key) };
      return name === 'ours'
        ? oursRequest(
            checkMutation,
            { input: { idempotencyKey: key, subject, ...card } },
            'bench-user',
          )
        : { path: '/card', body: { ...subject, ...card } };
    }),
    check: demand(name === 'ours' ? '"outcome":"MATCHED"' : '"result":"0"'),
  };
}

/** A name of its own for each card, in characters that a name may have. */
function nameOf(key: string): string {
  const characters = Array.from(Buffer.from(key), (byte) => String.fromCodePoint(0x4e00 + byte));
  return `韦${characters.join('').slice(-20)}`;
}

function pollRound(owned: readonly OwnedId[], expected: string): Round {
  return {
    requests: owned.map(({ id, userId }) => oursRequest(verificationQuery, { id }, userId)),
    check: demand(expected),
  };
}

export function entitiesRound(
  name: SubjectName,
  requests: number,
  given: readonly string[] | readonly OwnedId[],
): Round {
  const ids = given.map((each) => (typeof each === 'string' ? each : each.id));
  const [first] = given;
  const userId = typeof first === 'object' ? first.userId : '';
  return {
    requests: Array.from({ length: Math.ceil(requests / 4) }, (_, at) => {
      const some = Array.from(
        { length: perEntityRequest },
        (_each, place) => ids[(at * perEntityRequest + place) % ids.length] ?? '',
      );
      if (name === 'bare') return { path: '/entities', body: { ids: some } };
      const r = some.map((id) => ({ __typename: 'Verification', id }));
      const body = { query: entitiesQuery, variables: { r } };
      return name === 'ours'
        ? oursRequest(entitiesQuery, { r }, userId)
        : { path: '/graphql', body };
    }),
    check: demand('PASSED'),
  };
}

async function sendOurs({ subjects }: BenchState, { requests, check }: Round): Promise<void> {
  const url = subjects.get('ours')?.url ?? '';
  await sendAll(url, requests, 8, check);
}

/** Verifications for each round, the warm-up included. */
async function startMany(
  state: BenchState,
  name: string,
): Promise<readonly (readonly OwnedId[])[]> {
  const all: OwnedId[][] = [];
  for (let round = -1; round < state.rounds; round++) {
    all.push(await startSome(state, `${name}-${round}`, state.requests));
  }
  return all;
}

async function startSome(
  state: BenchState,
  name: string,
  count: number,
  userId?: string,
): Promise<OwnedId[]> {
  const owned: OwnedId[] = [];
  const requests = keysOf(name, count).map((key) => {
    const input = { idempotencyKey: key, channel: 'E_ID', subject: person, extra: key };
    return oursRequest(startMutation, { input }, userId ?? `user-${key}`);
  });
  await sendOurs(state, {
    requests,
    check: (body) => {
      const { data } = body as {
        data?: { startVerification: { verification?: { id: string; user: { id: string } } } };
      };
      const started = data?.startVerification.verification;
      if (!started) throw new Error(`a start failed: ${JSON.stringify(body).slice(0, 300)}`);
      owned.push({ id: started.id, userId: started.user.id });
    },
  });
  return owned;
}

async function endedVerifications(state: BenchState, name: string): Promise<readonly OwnedId[]> {
  const owned = await startSome(state, name, state.requests, 'bench-user');
  await fetch(`${state.provider.url}/end`, { method: 'POST' });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await sendOurs(state, pollRound(owned, '"status":"PASSED"'));
  return owned;
}

/** Fails a bench whose requests do not do what they are measured for. */
function demand(expected: string): (body: unknown) => void {
  return (body) => {
    const text = JSON.stringify(body);
    if (!text.includes(expected)) throw new Error(`no ${expected} in ${text.slice(0, 400)}`);
  };
}

function made<T>(make: ((key: string) => T) | undefined, key: string): T {
  if (!make) throw new Error('this subject does not have this operation');
  return make(key);
}
