import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRedis, waitForRedis } from '../../src/infra/redis/connect-redis.ts';
import { createRedisPublish } from '../../src/infra/redis/redis-publish.ts';
import { readBlocks } from '../support/read-blocks.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';

// Runs the consumer of docs/events.md unchanged on the events of the service.

interface Event {
  readonly verificationId: string;
  readonly status: string;
  readonly at: string;
}

interface Consumer {
  readonly consume: (options: {
    readonly url: string;
    readonly name: string;
    readonly handle: (event: Event) => Promise<void>;
    readonly isOver: () => boolean;
  }) => Promise<void>;
}

let redis: RedisServer;
let folder = '';
let consumer: Consumer;
let publish: ReturnType<typeof createRedisPublish>;
let close: () => void;

beforeAll(async () => {
  redis = await startRedis();
  folder = mkdtempSync(join(tmpdir(), 'events-'));
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  const body = readBlocks('docs/events.md').get('consumer.js');
  if (body === undefined) throw new Error('no consumer.js');
  // A minute is too long for a test.
  writeFileSync(join(folder, 'consumer.mjs'), body.replace('60_000', '300'));
  consumer = (await import(pathToFileURL(join(folder, 'consumer.mjs')).href)) as Consumer;
  const client = connectRedis({ url: redis.url });
  await waitForRedis(client, 45_000);
  publish = createRedisPublish(client, 'live');
  close = () => client.disconnect();
});
afterAll(async () => {
  close();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

const tell = (verificationId: string) =>
  publish({
    kind: 'verification.ended',
    recordId: verificationId,
    tenantId: 'acme',
    status: 'PASSED',
    atMs: Date.UTC(2026, 10, 22, 8, 30),
  });

describe('the event consumer of docs/events.md', () => {
  it('handles every event once on one of its replicas, and again after a failure', async () => {
    let isOver = false;
    const handled: string[] = [];
    let failures = 0;
    const handle = async ({ verificationId, status, at }: Event): Promise<void> => {
      expect({ status, at }).toEqual({ status: 'PASSED', at: '2026-11-22T08:30:00.000Z' });
      if (verificationId === 'ver_7' && failures === 0) {
        failures += 1;
        throw new Error('not now');
      }
      handled.push(verificationId);
    };
    // Events from before the consumer started are handled too.
    await tell('ver_0');
    const running = ['a', 'b'].map((name) =>
      consumer.consume({ url: redis.url, name, handle, isOver: () => isOver }),
    );
    const ids = Array.from({ length: 20 }, (_, at) => `ver_${at}`);
    for (const id of ids.slice(1)) await tell(id);
    await until(async () => handled.length >= ids.length);
    isOver = true;
    await Promise.all(running);
    expect(failures).toBe(1);
    expect(handled.toSorted()).toEqual(ids.toSorted());
    const [left] = (await redis.command('XPENDING', 'vs:live:events', 'onboarding')) as [number];
    expect(left).toBe(0);
  });

  it('reads a stream that stays as short as documented', async () => {
    const filled = `for i = 1, 101000 do redis.call('XADD', 'vs:live:events', '*', 'a', 'b') end`;
    await redis.command('EVAL', filled, '0');
    await tell('ver_bounded');
    const length = Number(await redis.command('XLEN', 'vs:live:events'));
    expect(length).toBeGreaterThanOrEqual(100_000);
    expect(length).toBeLessThan(100_500);
    await redis.command('DEL', 'vs:live:events');
  });

  it('needs only the Redis rights that are documented', async () => {
    const text = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8');
    const [, named = ''] = /ACL SETUSER events on >… ([^`]+)`/u.exec(text) ?? [];
    const rights = named.split(/\s+/u);
    expect(rights.length).toBeGreaterThan(3);
    await redis.command('ACL', 'SETUSER', 'events', 'on', '>a-password', ...rights);
    let isOver = false;
    const handled: string[] = [];
    const running = consumer.consume({
      url: redis.url.replace('redis://', 'redis://events:a-password@'),
      name: 'c',
      handle: async ({ verificationId }) => void handled.push(verificationId),
      isOver: () => isOver,
    });
    await tell('ver_rights');
    await until(async () => handled.length > 0);
    expect(handled).toEqual(['ver_rights']);
    isOver = true;
    await running;
  });
});
