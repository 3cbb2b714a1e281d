import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/ports/index.ts';
import {
  connectRedis,
  orUnavailable,
  waitForRedis,
  type RedisClient,
} from '../../src/infra/redis/connect-redis.ts';
import { startRedisProxy } from '../support/redis-proxy.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';

let redis: RedisServer;
const cleanUp: (() => unknown)[] = [];
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  for (const end of cleanUp.toReversed()) await end();
  await redis.stop();
});

async function clientOf(url = redis.url): Promise<RedisClient> {
  const client = connectRedis({ url });
  await waitForRedis(client, 45_000);
  cleanUp.push(() => client.disconnect());
  return client;
}

function stallEventLoop(ms: number): void {
  for (const endMs = performance.now() + ms; performance.now() < endMs;);
}

/** A script that keeps Redis busy for so long. */
const busyFor = (ms: number): string => `
local from = redis.call('TIME')
repeat local now = redis.call('TIME')
until (now[1] - from[1]) * 1000000 + now[2] - from[2] >= ${ms * 1000}
return 1`;

describe('a Redis reply', () => {
  it('counts when it has arrived, however long the event loop was stalled', async () => {
    const client = await clientOf();
    await client.set('a', '1');
    const replies = Array.from({ length: 50 }, () => client.get('a'));
    stallEventLoop(1500);
    expect(await Promise.all(replies)).toEqual(Array.from({ length: 50 }, () => '1'));
  });

  it('counts when it is late because Redis was busy with earlier commands', async () => {
    const client = await clientOf();
    // Each is quick, but together they take longer than the limit of silence. They are long texts, so that
    // Redis reads only a few at once, and replies to those.
    const long = `${busyFor(2)} -- ${'x'.repeat(8000)}`;
    const replies = Array.from({ length: 500 }, () => client.eval(long, 0));
    expect(new Set(await Promise.all(replies))).toEqual(new Set([1]));
  });

  it('reaches its own command when a command is defined meanwhile', async () => {
    const client = await clientOf();
    await client.mset('k1', 'v1', 'k2', 'v2', 'k3', 'v3');
    const first = client.get('k1');
    client.defineCommand('later', { numberOfKeys: 0, lua: "return 'own'" });
    const own = (client as unknown as { later: () => Promise<unknown> }).later();
    const others = [client.get('k2'), client.get('k3')];
    expect(await Promise.all([first, own, ...others])).toEqual(['v1', 'own', 'v2', 'v3']);
  });
});

describe('a silent Redis', () => {
  it('fails each command, and is used again when it continues', async () => {
    const own = await startRedis();
    cleanUp.push(own.stop);
    const client = await clientOf(own.url);
    own.child.kill('SIGSTOP');
    const asked = Array.from({ length: 10 }, () => orUnavailable(() => client.get('a')));
    for (const each of await Promise.allSettled(asked)) {
      expect(each).toMatchObject({ reason: expect.any(StoreUnavailable) });
    }
    own.child.kill('SIGCONT');
    expect(await until(() => client.set('a', '1').catch(() => null))).toBe('OK');
  });

  it('fails the commands of a broken connection at once', async () => {
    const own = await startRedis();
    cleanUp.push(own.stop);
    const client = await clientOf(own.url);
    const asked = orUnavailable(() => client.eval(busyFor(2000), 0));
    own.child.kill('SIGKILL');
    await expect(asked).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('is reconnected when a connection swallows everything', async () => {
    const hole = await startHole();
    const client = await clientOf(hole.url);
    await client.set('a', '1');
    hole.swallow();
    await expect(client.get('a')).rejects.toThrow('does not respond');
    // The old connection is never read again, so only a new one can reply.
    expect(await until(() => client.get('a').catch(() => null))).toBe('1');
    expect(hole.connections()).toBeGreaterThan(1);
  });
});

/** Forwards everything until its open connections are told to swallow it. */
async function startHole() {
  const sockets: Socket[] = [];
  const proxy = await startRedisProxy(redis.port, (client, upstream) => {
    sockets.push(client, upstream);
    client.pipe(upstream);
    upstream.pipe(client);
  });
  cleanUp.push(proxy.stop);
  return {
    url: proxy.url,
    connections: () => sockets.length / 2,
    swallow: () => {
      for (const socket of sockets) socket.unpipe();
    },
  };
}
