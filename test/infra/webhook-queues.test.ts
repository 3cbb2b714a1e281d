import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Secret } from '../../src/contract/index.ts';
import { connectRedis, waitForRedis } from '../../src/infra/redis/connect-redis.ts';
import { createRedisPublish } from '../../src/infra/redis/redis-publish.ts';
import { createWebhooks } from '../../src/infra/webhooks/create-webhooks.ts';
import { startCluster, startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
beforeAll(async () => {
  receiver = await startWebhookReceiver();
});
afterAll(() => receiver.stop());

/** Delivers some events with this Redis. Returns whose arrived, and what was logged. */
async function deliverWith(url: string) {
  const client = connectRedis({ url });
  await waitForRedis(client, 45_000);
  const events: unknown[] = [];
  const hooks = createWebhooks(
    {
      ...{ client, mode: 'live', now: Date.now },
      log: { event: (...given) => void events.push(given) },
      metrics: { webhookAttempt: () => {} },
    },
    { url },
    [
      {
        ...{ id: 'crm', tenantId: 'acme', url: receiver.url, kinds: ['verification.ended'] },
        secrets: [new Secret(`whsec_${Buffer.alloc(32).toString('base64')}`)],
        privateNetworks: ['127.0.0.0/8'],
      },
    ],
  );
  const before = receiver.received.length;
  const publish = createRedisPublish(client, 'live');
  let count = 0;
  const tell = (tenantId: string): Promise<void> => {
    count += 1;
    const about = { recordId: `ver_${count}`, tenantId, status: 'PASSED', atMs: Date.now() };
    return publish({ kind: 'verification.ended', ...about });
  };
  // Events are told from the moment when the first replica has begun to read them.
  await until(async () => {
    await tell('acme');
    return receiver.received.length > before;
  });
  await tell('globex');
  const told = count;
  await tell('acme');
  await until(async () => receiver.received.some(({ data }) => data.id === `ver_${told + 1}`));
  await until(async () => (await hooks.counts())[0]?.waiting === 0);
  await hooks.close();
  client.disconnect();
  const tenants = receiver.received.slice(before).map(({ data }) => data.tenantId);
  return { tenants: [...new Set(tenants)], events };
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
