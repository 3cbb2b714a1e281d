import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/contract/index.ts';
import { connectRedis, waitForRedis } from '../../src/infra/redis/connect-redis.ts';
import { createRedisPublish } from '../../src/infra/redis/redis-publish.ts';
import { createWebhooks, type WebhookDeps } from '../../src/infra/webhooks/create-webhooks.ts';
import type { WebhookEndpoint } from '../../src/infra/webhooks/webhook-endpoint.ts';
import { createWebhookQueue } from '../../src/infra/webhooks/webhook-queues.ts';
import { startCluster, startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
beforeAll(async () => {
  receiver = await startWebhookReceiver();
});
afterEach(() => receiver.behave((_delivery, response) => response.writeHead(204).end()));
afterAll(() => receiver.stop());

function endpointOf(more: Partial<WebhookEndpoint> = {}): WebhookEndpoint {
  return {
    ...{ id: 'crm', tenantId: 'acme', url: receiver.url, kinds: ['verification.ended'] },
    secrets: [new Secret(`whsec_${Buffer.alloc(32).toString('base64')}`)],
    privateNetworks: ['127.0.0.0/8'],
    ...more,
  };
}

/** The webhooks of one process, and what they log. */
function open(url: string, endpoint = endpointOf()) {
  const client = connectRedis({ url });
  const events: unknown[] = [];
  const deps: WebhookDeps = {
    ...{ client, mode: 'live', now: Date.now },
    log: { event: (...given) => void events.push(given) },
    metrics: { webhookAttempt: () => {} },
    onError: (error) => void events.push(error),
  };
  const hooks = createWebhooks(deps, { url }, [endpoint]);
  const publish = createRedisPublish(client, 'live');
  const tell = (tenantId: string, recordId: string): Promise<void> =>
    publish({
      ...{ kind: 'verification.ended', recordId, tenantId, status: 'PASSED', atMs: Date.now() },
    });
  return {
    ...{ client, hooks, events, tell },
    close: async () => {
      await hooks.close();
      client.disconnect();
    },
  };
}

let count = 0;
const newId = (): string => `ver_${(count += 1)}`;
const isTold = (id: string) => async () => receiver.received.some(({ data }) => data.id === id);

/** Tells of new records until one has arrived: a group begins with what happens from now on. */
async function tellUntilHeard({ tell }: ReturnType<typeof open>): Promise<void> {
  const ids: string[] = [];
  await until(async () => {
    const id = newId();
    ids.push(id);
    await tell('acme', id).catch(() => {});
    return receiver.received.some(({ data }) => ids.includes(data.id));
  }, 90_000);
}

/** Delivers some events with this Redis. Returns whose arrived, and what was logged. */
async function deliverWith(url: string) {
  const opened = open(url);
  await waitForRedis(opened.client, 45_000);
  const before = receiver.received.length;
  await tellUntilHeard(opened);
  await opened.tell('globex', newId());
  const last = newId();
  await opened.tell('acme', last);
  await until(isTold(last));
  await until(async () => (await opened.hooks.counts())[0]?.waiting === 0);
  await opened.close();
  const tenants = receiver.received.slice(before).map(({ data }) => data.tenantId);
  return { tenants: [...new Set(tenants)], events: opened.events };
}

it('webhooks need no more rights in Redis than docs/operating.md says', async () => {
  const redis = await startRedis();
  const text = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');
  const [, rights = ''] = /ACL SETUSER verification-subgraph on >secret ([^\n]+)/u.exec(text) ?? [];
  await redis.command('ACL', 'SETUSER', 'vs', 'on', '>secret', ...rights.split(' '));
  const delivered = await deliverWith(redis.url.replace('redis://', 'redis://vs:secret@'));
  expect(delivered).toEqual({ tenants: ['acme'], events: [] });
  await redis.stop();
});

it('webhooks work with a cluster', async () => {
  const cluster = await startCluster();
  expect(await deliverWith(cluster.url)).toEqual({ tenants: ['acme'], events: [] });
  await cluster.stop();
});

describe('webhooks', () => {
  it('begin when Redis does, and lose nothing when it loses its data', async () => {
    const first = await startRedis();
    const { port } = new URL(first.url);
    await first.stop();
    const opened = open(first.url);
    await expect(opened.hooks.counts()).rejects.toThrow(Error);
    const redis = await startRedis([], { port: Number(port) });
    await tellUntilHeard(opened);
    await redis.command('FLUSHALL');
    const ids = Array.from({ length: 20 }, newId);
    for (const id of ids) await until(() => opened.tell('acme', id).then(() => true));
    for (const id of ids) await until(isTold(id));
    await opened.close();
    await redis.stop();
  });

  it('of a tenant never reach the endpoint of another one that gets its name', async () => {
    const redis = await startRedis();
    receiver.behave((_delivery, response) => response.writeHead(500).end());
    const acme = open(redis.url);
    await waitForRedis(acme.client, 45_000);
    await tellUntilHeard(acme);
    await until(async () => ((await acme.hooks.counts())[0]?.waiting ?? 0) > 0);
    await acme.close();
    receiver.behave((_delivery, response) => response.writeHead(204).end());
    const before = receiver.received.length;
    const globex = open(redis.url, endpointOf({ tenantId: 'globex' }));
    await waitForRedis(globex.client, 45_000);
    const id = newId();
    await until(async () => {
      await globex.tell('globex', id);
      return isTold(id)();
    });
    const told = receiver.received.slice(before).map(({ data }) => data.tenantId);
    expect(new Set(told)).toEqual(new Set(['globex']));
    // A delivery that arrived is active until its answer has been read.
    await until(async () => (await globex.hooks.counts())[0]?.waiting === 0);
    expect(await globex.hooks.counts()).toMatchObject([{ dead: 0 }]);
    await globex.close();
    await redis.stop();
  });

  it('count no attempt when their process stops', async () => {
    const redis = await startRedis();
    const held: unknown[] = [];
    receiver.behave((delivery) => void held.push(delivery));
    const opened = open(redis.url);
    await waitForRedis(opened.client, 45_000);
    await tellUntilHeard(opened);
    await until(async () => held.length > 0);
    await opened.close();
    expect(opened.events).toEqual([]);
    const client = connectRedis({ url: redis.url });
    await waitForRedis(client, 45_000);
    const queue = createWebhookQueue({ client, mode: 'live' }, endpointOf());
    const waiting = await queue.list('waiting', { from: 0, most: 10 });
    expect(waiting.length).toBeGreaterThan(0);
    for (const { attempts, last } of waiting)
      expect({ attempts, last }).toEqual({ attempts: 0, last: null });
    receiver.behave((_delivery, response) => response.writeHead(204).end());
    const next = open(redis.url);
    for (const { event } of waiting) await until(isTold(event.recordId));
    await next.close();
    await queue.close();
    client.disconnect();
    await redis.stop();
  });
});
