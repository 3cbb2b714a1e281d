import { checkMutation } from '../test/support/operations.ts';
import { cardInput } from '../test/support/card-input.ts';
import { startRedis } from '../test/support/redis.ts';
import { startRedisProxy } from '../test/support/redis-proxy.ts';
import { startReplicaGroup } from '../test/support/replica-group.ts';

// Kills and pauses replicas, and drops replies and connections of Redis, while cards are checked. Compares
// each result with the provider's ledger at that moment: a check that is NOT_CHARGED must not be in it,
// and no key may be in it twice.
//
//   npm run bench:chaos
//   KEYS=1500 SEED=7 npm run bench:chaos

const keys = Number(process.env['KEYS'] ?? 1500);
const random = randomFrom(Number(process.env['SEED'] ?? Date.now()));
const replicaCount = 3;
const mostAtOnce = 30;

interface Figures {
  answers: number;
  paidTwice: number;
  /** Results NOT_CHARGED of a key that was in the ledger. */
  contradictions: number;
  /** Top-level errors where data was due. */
  notData: number;
  /** Ended OUTCOME_UNKNOWN although no call was ever made. */
  unknownWithoutCall: number;
  unknown: number;
  matched: number;
  kills: number;
  pauses: number;
  losses: number;
}

const figures: Figures = {
  ...{ answers: 0, paidTwice: 0, contradictions: 0, notData: 0, unknownWithoutCall: 0 },
  ...{ unknown: 0, matched: 0, kills: 0, pauses: 0, losses: 0 },
};
const redis = await startRedis();
const way = await startLossyWay(redis.port);
const { provider, oneOf, replace, stop } = await startReplicaGroup(replicaCount, {
  env: { TENCENT_CN_LIMIT_BANKCARD4EVERIFICATION: '200', BANK_CARD_CACHE_SECONDS: '0' },
  redis: { ...redis, url: way.url },
});
const over = new AbortController();
try {
  provider.onCall((_name, answer) => void setTimeout(answer, random() * 300));
  const trouble = makeTrouble();
  const left = Array.from({ length: keys }, (_, at) => `key-${at}`);
  await Promise.all(
    Array.from({ length: mostAtOnce }, async () => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) await settle(name);
    }),
  );
  over.abort();
  await trouble;
  for (const name of new Set(provider.ledger)) {
    if (provider.paidFor(name) > 1) figures.paidTwice += 1;
  }
  console.table([{ keys, ...figures }]);
  if (figures.paidTwice + figures.contradictions > 0) process.exitCode = 1;
} finally {
  await stop();
  await way.stop();
}

/** Retries as a careful client does: with the same key, where a problem allows it. */
async function settle(name: string): Promise<void> {
  for (let time = 0; time < 300; time++) {
    const { told, isError } = await ask(name, time);
    if (told === null && !isError) {
      await sleep(50);
      continue;
    }
    figures.answers += 1;
    if (isError) figures.notData += 1;
    // Compared at this moment, because the ledger only grows.
    if (told?.billing === 'NOT_CHARGED' && provider.paidFor(name) > 0) figures.contradictions += 1;
    if (told?.check) {
      figures.matched += 1;
      return;
    }
    if (told?.code === 'OUTCOME_UNKNOWN') {
      figures.unknown += 1;
      if (provider.paidFor(name) === 0) figures.unknownWithoutCall += 1;
      return;
    }
    await sleep(Math.min(told?.retryAfterMs ?? 100, 500) * random());
  }
  throw new Error(`never told: ${name}`);
}

interface Told {
  readonly check?: object;
  readonly code?: string;
  readonly billing?: string;
  readonly retryAfterMs?: number;
}

async function ask(
  name: string,
  time: number,
): Promise<{ readonly told: Told | null; readonly isError: boolean }> {
  const at = Math.floor(random() * replicaCount) + time;
  try {
    const response = await fetch(`${oneOf(at).url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: checkMutation, variables: { input: cardInput(name) } }),
      signal: AbortSignal.timeout(12_000),
    });
    const { data, errors } = (await response.json()) as {
      readonly data?: { readonly checkBankCard?: Told };
      readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[];
    };
    const told = data?.checkBankCard ?? null;
    // A process that stops or is overloaded answers 503 before it parses the operation.
    const isBusy = errors?.[0]?.extensions?.code === 'SERVICE_UNAVAILABLE';
    return { told, isError: told === null && !isBusy };
  } catch {
    return { told: null, isError: false };
  }
}

async function makeTrouble(): Promise<void> {
  while (!over.signal.aborted) {
    await sleep(300 + random() * 700);
    const at = Math.floor(random() * replicaCount);
    const kind = random();
    if (kind < 0.25) {
      await replace(at);
      figures.kills += 1;
    } else if (kind < 0.5) {
      oneOf(at).pause();
      await sleep(300 + random() * 2500);
      oneOf(at).resume();
      figures.pauses += 1;
    } else {
      way.loseFor(50 + random() * 800, random() < 0.5 ? 'replies' : 'connections');
      figures.losses += 1;
    }
  }
}

/** A proxy before Redis that drops replies, or cuts every connection, for a while. */
async function startLossyWay(redisPort: number) {
  let losesUntilMs = 0;
  let loses: 'replies' | 'connections' = 'replies';
  const isLosing = (kind: typeof loses): boolean =>
    loses === kind && performance.now() < losesUntilMs;
  const proxy = await startRedisProxy(redisPort, (client, upstream) => {
    if (isLosing('connections')) return void client.destroy();
    client.on('data', (chunk) => upstream.write(chunk));
    // After a lost reply the client would match later replies to the wrong commands, so the connection ends.
    upstream.on('data', (chunk) => {
      if (isLosing('replies')) client.destroy();
      else client.write(chunk);
    });
  });
  return {
    ...proxy,
    loseFor: (ms: number, kind: typeof loses) => {
      losesUntilMs = performance.now() + ms;
      loses = kind;
      if (kind === 'connections') proxy.cut();
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
