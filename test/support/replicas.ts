import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { cardInput } from './card-input.ts';
import { compileCache } from './compile-cache.ts';
import { freePort } from './free-port.ts';
import { listenOnLoopback } from './listen-on-loopback.ts';
import { checkMutation } from './operations.ts';
import { readRequest } from './read-request.ts';
import { until } from './until.ts';

/** The same for every replica of a test. */
const key = Buffer.alloc(32, 7).toString('base64');

export interface Replica {
  readonly url: string;
  readonly child: ChildProcess;
  /** The result of the GraphQL field; null when there was no response. */
  readonly check: (
    name: string,
    idempotencyKey: string,
    // Tests read deep into answers whose shape they assert.
    // oxlint-disable-next-line typescript/no-explicit-any
  ) => Promise<any>;
  readonly kill: () => Promise<void>;
  readonly pause: () => void;
  readonly resume: () => void;
}

/** The service as a process, with others on one Redis and one provider. */
export async function startReplica(
  redisUrl: string,
  providerUrl: string | null,
  env: Readonly<Record<string, string>> = {},
  { readyWithinMs = 30_000, main = 'src/main.ts' } = {},
): Promise<Replica> {
  const port = Number(env['PORT'] ?? (await freePort()));
  const child = spawn(process.execPath, [main], {
    stdio: 'ignore',
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: String(port),
      LOG_LEVEL: 'silent',
      NODE_COMPILE_CACHE: compileCache,
      REDIS_URL: redisUrl,
      STORE_HASH_KEYS: `h1:${key}`,
      STORE_ENCRYPTION_KEYS: `e1:${key}`,
      ...(providerUrl === null ? {} : { TENCENT_CN_ENDPOINT: providerUrl }),
      ...env,
    },
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const isReady = (): Promise<boolean> =>
    fetch(`${url}/health/ready`).then(
      ({ status }) => status === 200,
      () => false,
    );
  try {
    await until(isReady, readyWithinMs);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    url,
    child,
    check: async (name, idempotencyKey) => {
      try {
        const response = await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            query: checkMutation,
            variables: { input: cardInput(name, idempotencyKey) },
          }),
          signal: AbortSignal.timeout(60_000),
        });
        const { data, errors } = (await response.json()) as {
          data?: { checkBankCard?: unknown };
          errors?: readonly { extensions?: { code?: string } }[];
        };
        return data?.checkBankCard ?? { code: errors?.[0]?.extensions?.code };
      } catch {
        return null;
      }
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  };
}

export interface LedgerProvider {
  readonly url: string;
  /** The bill: a line for each call, with the name it was about. */
  readonly ledger: string[];
  /** The ids of the calls, which the responses carry. */
  readonly requestIds: string[];
  readonly paidFor: (name: string) => number;
  /** How the next calls are answered; `null` means at once. */
  readonly onCall: (behave: ((name: string, answer: () => void) => void) | null) => void;
  readonly stop: () => Promise<void>;
}

/**
 * A provider with a ledger of its calls. It responds as Tencent Cloud does to a card check and to GetEidToken, and as
 * OEMCloud does to a start.
 */
export async function startLedgerProvider(): Promise<LedgerProvider> {
  const ledger: string[] = [];
  const requestIds: string[] = [];
  let behave: ((name: string, answer: () => void) => void) | null = null;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = JSON.parse(await readRequest(request)) as { Name?: string; name?: string };
    const name = body.Name ?? body.name ?? '';
    const requestId = randomUUID();
    ledger.push(name);
    requestIds.push(requestId);
    const answer = (): void => reply(request, response, requestId);
    if (behave) behave(name, answer);
    else answer();
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  const { url, stop } = await listenOnLoopback(server);
  return {
    url,
    ledger,
    requestIds,
    paidFor: (name) => ledger.filter((one) => one === name).length,
    onCall: (next) => {
      behave = next;
    },
    stop,
  };
}

function reply(
  { url, headers }: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): void {
  const token = randomUUID();
  const started = { EidToken: token, Url: 'https://eid.example/go' };
  const isStart = headers['x-tc-action'] === 'GetEidToken';
  const tencent = isStart ? started : { Result: '0', Description: '认证通过' };
  const oemcloud = { flowId: token, authUrl: 'https://face.example/go', originalUrl: '' };
  const body = url?.endsWith('/individual/face')
    ? { code: 0, message: '成功', data: oemcloud }
    : { Response: { ...tencent, RequestId: requestId } };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
