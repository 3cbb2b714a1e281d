import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMutation } from '../support/operations.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startReplica, type Replica } from '../support/replicas.ts';
import { until } from '../support/until.ts';

// Traces as a collector gets them, from a process of the service, with a provider that sees its requests.

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: readonly {
    readonly key: string;
    readonly value: { stringValue?: string };
  }[];
}

let redis: RedisServer;
let replica: Replica;
let collector: Awaited<ReturnType<typeof startServer>>;
let provider: Awaited<ReturnType<typeof startServer>>;

/** A server that keeps what it gets, and answers with a JSON text. */
async function startServer(answer: () => object) {
  const requests: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer()));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    requests,
    url: `http://127.0.0.1:${port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const spans = (): Span[] =>
  collector.requests.flatMap(({ body }) =>
    JSON.parse(body).resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: { spans: Span[] }[] }) =>
      scopeSpans.flatMap(({ spans: own }) => own),
    ),
  );

beforeAll(async () => {
  redis = await startRedis();
  collector = await startServer(() => ({}));
  const answer = { EidToken: 'CANARY-TOKEN', Url: 'https://eid.example/CANARY-LAUNCH' };
  provider = await startServer(() => ({ Response: { ...answer, RequestId: 'r-1' } }));
  replica = await startReplica(redis.url, provider.url, {
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '100' },
    ...{ TENCENT_CN_SECRET_ID: 'AKIDCANARY', TENCENT_CN_SECRET_KEY: 'CANARY-key' },
    ...{ TENCENT_CN_MERCHANT_ID: '0NSJ240626160443125212' },
    ...{ PUBLIC_URL: 'https://idv.example', REDIRECT_ORIGINS: 'https://app.example' },
    ...{ ROUTER_SECRETS: 'CANARY-the-secret-of-the-router', TRUST_IDENTITY_HEADERS: 'on' },
    SHUTDOWN_DELAY_MS: '0',
  });
}, 90_000);
afterAll(async () => {
  await replica?.kill();
  collector?.stop();
  provider?.stop();
  await redis?.stop();
});

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentId = '00f067aa0ba902b7';

async function start(idempotencyKey: string, flags = '01') {
  const response = await fetch(`${replica.url}/graphql?CANARY-QUERY=1`, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', 'x-tenant-id': 'tenant-1' },
      ...{ 'x-router-secret': 'CANARY-the-secret-of-the-router', 'x-user-id': 'CANARY-USER' },
      'x-scopes': 'verification:start verification:read',
      ...{ traceparent: `00-${traceId}-${parentId}-${flags}`, baggage: 'user=CANARY-BAGGAGE' },
    },
    body: JSON.stringify({
      query: startMutation,
      variables: {
        input: {
          ...{ idempotencyKey, channel: 'E_ID', extra: 'CANARY-EXTRA' },
          subject: { name: '金丝雀', idNumber: '110105199003072039' },
          redirectUrl: 'https://app.example/CANARY-REDIRECT',
        },
      },
    }),
  });
  const { data } = (await response.json()) as {
    data: { startVerification: { __typename: string; verification: { id: string } } };
  };
  expect(data.startVerification.__typename).toBe('StartVerificationSuccess');
  return data.startVerification.verification.id;
}

describe('tracing', () => {
  it('continues the trace of the router, down to the call of the provider', async () => {
    const id = await start('CANARY-KEY');
    const own = await until(async () => {
      const found = spans().filter((span) => span.traceId === traceId);
      return found.some(({ name }) => name === 'graphql request') ? found : null;
    });
    const named = (name: string) => own.find((span) => span.name === name);
    const [request, mutation] = [named('graphql request'), named('mutation')];
    expect(request?.parentSpanId).toBe(parentId);
    expect(mutation?.parentSpanId).toBe(request?.spanId);
    for (const name of ['claim', 'turn', 'provider call']) {
      expect(named(name)?.parentSpanId, name).toBe(mutation?.spanId);
    }
    const attributesOf = (name: string) =>
      Object.fromEntries(
        (named(name)?.attributes ?? []).map(({ key, value }) => [key, value.stringValue]),
      );
    expect(attributesOf('mutation')).toEqual({
      'verification.operation': 'startVerification',
      'verification.outcome': 'SUCCESS',
      'verification.provider': 'tencent-cn',
      'verification.record': id,
    });
    expect(attributesOf('provider call')).toEqual({
      'verification.provider': 'tencent-cn',
      'verification.action': 'GetEidToken',
      'verification.record': id,
    });
    const [first] = collector.requests;
    const resource = JSON.stringify(JSON.parse(first?.body ?? '{}').resourceSpans[0].resource);
    expect(resource).toContain('verification-subgraph');
  });

  it('sends the collector nothing of the person, the request and the settings', () => {
    const sent = collector.requests.map(({ body }) => body).join('');
    expect(sent).not.toBe('');
    for (const canary of ['CANARY', '金丝雀', '110105199003072039', redis.url, 'idv.example']) {
      expect(sent).not.toContain(canary);
    }
  });

  it('sends the provider neither trace nor baggage', () => {
    const sent = provider.requests.flatMap(({ headers }) => Object.keys(headers));
    expect(sent).toContain('x-tc-action');
    for (const header of ['traceparent', 'tracestate', 'baggage', 'b3']) {
      expect(sent).not.toContain(header);
    }
  });

  it('sends the spans of the last requests before the process ends', async () => {
    const id = await start('last');
    const exited = new Promise((resolve) => replica.child.once('exit', resolve));
    replica.child.kill('SIGTERM');
    await exited;
    const sent = collector.requests.map(({ body }) => body).join('');
    expect(sent).toContain(id);
  });
});
