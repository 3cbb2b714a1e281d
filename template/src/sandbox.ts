import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type {
  SandboxContext,
  SandboxScenario,
  SandboxUpstream,
} from 'verification-subgraph/provider';
import { faults, states } from './mapping.ts';

/** Valid in this emulation only. */
const apiKey = 'sandbox-key';
const lifeSeconds = 1800;
const mostFlows = 1000;

interface Flow {
  state: string;
  readonly returnUrl: string;
}

/**
 * The provider as its pages describe it, on loopback. `extra` gives orders: `sandbox:getIdentity=declined`
 * for a state, `sandbox:createIdentity=NO_CREDIT` for an error.
 */
export async function startSandbox({ now }: SandboxContext): Promise<SandboxUpstream> {
  const flows = new Map<string, Flow>();
  let endpoint = '';

  const server = createServer((request, response) => {
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const body = await readBody(request);
    const [, area, kind, id = ''] = new URL(url, endpoint).pathname.split('/');
    if (area === 'page') return showPage(response, method, kind ?? '', body);
    const send = (status: number, data: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(data));
    };
    const refuse = (status: number, code: string): void => send(status, { error: { code } });
    if (request.headers.authorization !== `Bearer ${apiKey}`) return refuse(401, 'BAD_KEY');
    if (method === 'POST') return create(body, send, refuse);
    const flow = flows.get(id);
    if (!flow) return refuse(404, 'NOT_FOUND');
    if (!Object.hasOwn(states, flow.state)) return refuse(400, flow.state);
    return send(200, { state: flow.state, documentCountry: 'SGP' });
  }

  function create(
    body: string,
    send: (status: number, data: object) => void,
    refuse: (status: number, code: string) => void,
  ): void {
    const { fullName, returnUrl = '', reference } = JSON.parse(body) as Record<string, string>;
    if (!fullName) return refuse(400, 'BAD_REQUEST');
    const error = orderIn(reference, 'createIdentity');
    if (error !== null) return refuse(400, error);
    const id = randomUUID();
    flows.set(id, { state: orderIn(reference, 'getIdentity') ?? 'open', returnUrl });
    const [oldest] = flows.keys();
    if (flows.size > mostFlows && oldest !== undefined) flows.delete(oldest);
    return send(200, {
      id,
      url: `${endpoint}/page/${id}`,
      expiresInSeconds: lifeSeconds,
      at: now(),
    });
  }

  function showPage(response: ServerResponse, method: string, id: string, body: string): void {
    const flow = flows.get(id);
    if (!flow) {
      response.writeHead(410, { 'content-type': 'text/plain' }).end('This link is over.');
      return;
    }
    const state = new URLSearchParams(body).get('state');
    if (method === 'POST' && state !== null && Object.hasOwn(states, state)) {
      flow.state = state;
      response.writeHead(303, { location: flow.returnUrl }).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    settings: { ENDPOINT: endpoint, API_KEY: apiKey },
    scenarios,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Every state and every error that the emulation can return. */
const scenarios: readonly SandboxScenario[] = [
  ...Object.entries(states).map(([code, { message }]) => scenario('getIdentity', code, message)),
  ...Object.keys(faults).map((code) => scenario('createIdentity', code, code)),
];

function scenario(action: string, expect: string, title: string): SandboxScenario {
  const input = {
    channel: 'MY_PROVIDER_WEB',
    subject: { name: 'Ada Example' },
    extra: `sandbox:${action}=${expect}`,
  };
  return { action, title, input, expect };
}

function orderIn(text: string | null | undefined, action: string): string | null {
  return new RegExp(`sandbox:${action}=(\\w+)`, 'u').exec(text ?? '')?.[1] ?? null;
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox verification</title>
<h1>How does it end?</h1>
<p>No real verification happens here.</p>
<form method="post">
${Object.keys(states)
  .filter((state) => state !== 'open')
  .map((state) => `<p><button name="state" value="${state}">${state}</button></p>`)
  .join('\n')}
</form>
</html>`;
