import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type {
  SandboxContext,
  SandboxScenario,
  SandboxUpstream,
} from 'verification-subgraph/provider';
import { faults, results } from './mapping.ts';
import { sign } from './webhook.ts';

/** Valid in this emulation only. */
const credentials = {
  CLIENT_ID: 'sandbox-client',
  CLIENT_SECRET: 'sandbox-secret',
  WEBHOOK_SECRET: 'sandbox-webhook-secret',
} as const;
const tokenLifeSeconds = 3600;
/** The webhook comes after the response of the start. */
const webhookAfterMs = 200;

/**
 * The vendor on loopback. `extra` gives orders: `sandbox:checks/create=insufficient_funds` for an error,
 * `sandbox:webhook=expired` for a result; a document without an order is genuine.
 */
export async function startSandbox({
  now,
  toLoopback,
  accountUrl,
}: SandboxContext): Promise<SandboxUpstream> {
  const tokens = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();

  const server = createServer((request, response) => {
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const send = (status: number, data: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(data));
    };
    if (request.url === '/oauth/token') {
      const given = new URLSearchParams(body);
      const isKnown =
        given.get('client_id') === credentials.CLIENT_ID &&
        given.get('client_secret') === credentials.CLIENT_SECRET;
      if (!isKnown) return send(401, { error: 'invalid_client' });
      const token = randomUUID();
      tokens.add(token);
      return send(200, { access_token: token, expires_in: tokenLifeSeconds });
    }
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    if (!tokens.has(token)) return send(401, { error: 'invalid_token' });
    const check = JSON.parse(body) as Record<string, string | null>;
    const error = orderIn(check['note'], 'checks/create');
    if (error !== null) return send(400, { error });
    const id = `chk_${randomUUID()}`;
    const result = orderIn(check['note'], 'webhook') ?? 'genuine';
    const { reference, type, country } = check;
    const document = { type, country, warnings: result === 'genuine' ? [] : [`${result} seen`] };
    later(() => notify({ reference, check_id: id, result, document }));
    return send(201, { check_id: id });
  }

  function later(work: () => Promise<void>): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      void work();
    }, webhookAfterMs);
    timers.add(timer);
  }

  async function notify(event: object): Promise<void> {
    const url = toLoopback(accountUrl);
    if (url === null) return;
    const body = Buffer.from(JSON.stringify(event));
    const [time, id] = [String(now()), randomUUID()];
    const signature = sign(credentials.WEBHOOK_SECRET, { time, id, body });
    const headers = {
      'content-type': 'application/json',
      'x-doclens-signature': `t=${time},id=${id},v1=${signature}`,
    };
    await fetch(url, { method: 'POST', headers, body }).catch(() => null);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    settings: { ...credentials, ENDPOINT: `http://127.0.0.1:${port}` },
    scenarios,
    close: async () => {
      for (const timer of timers) clearTimeout(timer);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const scenarios: readonly SandboxScenario[] = [
  ...Object.entries(results).map(([code, { message }]) => scenario('webhook', code, message)),
  ...Object.keys(faults).map((code) => scenario('checks/create', code, code)),
];

function scenario(action: string, expect: string, title: string): SandboxScenario {
  const front = Buffer.from('a photo of nothing').toString('base64');
  const input = {
    channel: 'DOCLENS_DOCUMENT',
    options: { doclensDocument: { type: 'PASSPORT', country: 'SGP', front } },
    extra: `sandbox:${action}=${expect}`,
  };
  return { action, title, input, expect };
}

function orderIn(text: string | null | undefined, name: string): string | null {
  return new RegExp(`sandbox:${name}=(\\w+)`, 'u').exec(text ?? '')?.[1] ?? null;
}
