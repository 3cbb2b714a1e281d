import { Agent, request } from 'node:http';
import { checkMutation } from '../test/support/operations.ts';
import { cardInput } from '../test/support/card-input.ts';
import { startReplicaGroup } from '../test/support/replica-group.ts';

// What callers get when far more requests come at once than can be served: how each ended, when the
// last one was answered, what was paid. Redis works all the time, so no request may end STORE_UNAVAILABLE.
//
//   npm run bench:bursts
//   PATTERNS=different REQUESTS=2000 npm run bench:bursts

interface Pattern {
  readonly replicas: number;
  readonly requests: number;
  /** How long the provider takes. */
  readonly answerMs: number;
  readonly keyOf: (at: number) => string;
  readonly nameOf: (at: number) => string;
}

const patterns: Readonly<Record<string, Pattern>> = {
  different: {
    replicas: 1,
    requests: 2000,
    answerMs: 20,
    keyOf: (at) => `different-${at}`,
    nameOf: (at) => `n-${at}`,
  },
  slow: {
    replicas: 1,
    requests: 2000,
    answerMs: 5000,
    keyOf: (at) => `slow-${at}`,
    nameOf: (at) => `s-${at}`,
  },
  'equal, one key': {
    replicas: 4,
    requests: 1000,
    answerMs: 200,
    keyOf: () => 'equal',
    nameOf: () => 'equal',
  },
  'equal, a key each': {
    replicas: 4,
    requests: 1000,
    answerMs: 200,
    keyOf: (at) => `same-${at}`,
    nameOf: () => 'same',
  },
};

const chosen = process.env['PATTERNS']?.split(';');
const rows: Record<string, object> = {};
for (const [name, pattern] of Object.entries(patterns)) {
  if (!chosen || chosen.includes(name)) rows[name] = await measure(pattern);
}
console.table(rows);

async function measure(pattern: Pattern): Promise<object> {
  const requests = Number(process.env['REQUESTS'] ?? pattern.requests);
  const { provider, oneOf, stop } = await startReplicaGroup(pattern.replicas, {
    env: { TENCENT_CN_LIMIT_BANKCARD4EVERIFICATION: process.env['LIMIT'] ?? '2000' },
  });
  try {
    provider.onCall((_name, answer) => void setTimeout(answer, pattern.answerMs));
    const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
    const answers = await Promise.all(
      Array.from({ length: requests }, (_, at) =>
        post(agent, `${oneOf(at).url}/graphql`, pattern.keyOf(at), pattern.nameOf(at)),
      ),
    );
    agent.destroy();
    const counts: Record<string, string> = {};
    for (const { told } of answers) {
      const alike = answers.filter((one) => one.told === told);
      const last = Math.max(...alike.map((one) => one.tookMs));
      counts[told] = `${alike.length}, last at ${Math.round(last)} ms`;
    }
    const tookMs = answers.map((one) => one.tookMs).toSorted((a, b) => a - b);
    const at = (share: number): number =>
      Math.round(tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))] ?? 0);
    return {
      ...counts,
      paid: provider.ledger.length - 1,
      'p50 ms': at(0.5),
      'p99 ms': at(0.99),
      'most ms': at(1),
    };
  } finally {
    await stop();
  }
}

/** The result of the field: `MATCHED`, a problem code with its billing, or a top-level error code. */
function post(
  agent: Agent,
  url: string,
  idempotencyKey: string,
  name: string,
): Promise<{ readonly told: string; readonly tookMs: number }> {
  const body = JSON.stringify({
    query: checkMutation,
    variables: { input: cardInput(name, idempotencyKey) },
  });
  // Opening thousands of connections takes this process a while, so time is measured from each connection.
  let startedMs = performance.now();
  return new Promise((resolve) => {
    const end = (told: string): void => resolve({ told, tookMs: performance.now() - startedMs });
    const asked = request(
      url,
      { agent, method: 'POST', headers: { 'content-type': 'application/json' } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => end(readTold(response.statusCode ?? 0, Buffer.concat(chunks))));
      },
    );
    asked.once('socket', (socket) => {
      socket.once('connect', () => {
        startedMs = performance.now();
      });
    });
    asked.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'error'));
    asked.end(body);
  });
}

function readTold(status: number, body: Buffer): string {
  const { data, errors } = JSON.parse(body.toString('utf8'));
  const told = data?.checkBankCard;
  if (told?.check) return told.check.outcome;
  if (told) return `${told.code} ${told.billing}`;
  return `${status} ${errors?.[0]?.extensions?.code}`;
}
