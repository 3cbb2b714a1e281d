import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toEvent } from '../../src/core/ledger/to-event.ts';
import {
  connectRedis,
  waitForRedis,
  type RedisClient,
} from '../../src/infra/redis/connect-redis.ts';
import { createRedisEventFeed } from '../../src/infra/redis/redis-event-feed.ts';
import { createRedisLedger } from '../../src/infra/redis/redis-ledger.ts';
import { createRedisPublish } from '../../src/infra/redis/redis-publish.ts';
import { createEventRelay } from '../../src/infra/redis/relay-events.ts';
import type { LedgerEntry, ServiceEvent } from '../../src/ports/index.ts';
import { startRedis, startCluster, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';

let redis: RedisServer;
let client: RedisClient;
let modes = 0;

beforeAll(async () => {
  redis = await startRedis();
  client = connectRedis({ url: redis.url });
  await waitForRedis(client, 45_000);
});
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});

/** A place of its own for each test. */
function place(on = client) {
  modes += 1;
  const mode = `test-${modes}`;
  const bounds = { mostEntries: 1000, days: 1 };
  const ledger = createRedisLedger({ client: on, mode, bounds, scopes: null, now: Date.now });
  const publish = createRedisPublish(on, mode);
  const errors: unknown[] = [];
  const relay = (owner: string, tell: (event: ServiceEvent) => Promise<void> = publish) =>
    createEventRelay({
      ...{ client: on, mode, owner, toEvent, publish: tell, now: Date.now },
      onError: (error) => errors.push(error),
    });
  const events = async (): Promise<Record<string, string>[]> => {
    const entries = await on.xrange(`vs:${mode}:events`, '-', '+');
    return entries.map(([, fields]) =>
      Object.fromEntries(
        fields.flatMap((name, at) => (at % 2 ? [] : [[name, fields[at + 1] ?? '']])),
      ),
    );
  };
  return { mode, ledger, publish, relay, events, errors };
}

const at = Date.UTC(2026, 10, 27, 8, 30);
const entry = (kind: LedgerEntry['kind'], recordId: string, more: object = {}): LedgerEntry => ({
  ...{ kind, atMs: at, tenantId: 'acme', recordId },
  ...more,
});
const ver = (last: string): string => `ver_${last.padStart(22, 'A')}`;
const bcc = (last: string): string => `bcc_${last.padStart(22, 'A')}`;

describe('the relay of events from the ledger', () => {
  it('publishes starts, checks and redactions of verifications, and nothing else', async () => {
    const { ledger, relay, events, errors } = place();
    // Without entries it begins at the beginning.
    const running = relay('a');
    await ledger.append([
      entry('started', ver('1')),
      entry('charge_begun', bcc('1')),
      entry('checked', bcc('1'), { status: 'MATCHED' }),
      entry('ended', ver('1'), { status: 'PASSED' }),
      entry('redacted', ver('1')),
      entry('redacted', bcc('1')),
    ]);
    await until(async () => (await events()).length >= 3);
    await running.close();
    const told = { tenantId: 'acme', at: '2026-11-27T08:30:00.000Z' };
    expect(await events()).toEqual([
      { kind: 'verification.started', id: ver('1'), ...told },
      { kind: 'bank_card_check.done', id: bcc('1'), status: 'MATCHED', ...told },
      { kind: 'verification.redacted', id: ver('1'), ...told },
    ]);
    expect(errors).toEqual([]);
  });

  it('begins behind the entries from before it was there', async () => {
    const { ledger, relay, events } = place();
    await ledger.append([entry('started', ver('old'))]);
    const running = relay('a');
    await until(async () => {
      await ledger.append([entry('started', ver('new'))]);
      return (await events()).length > 0;
    });
    await running.close();
    expect((await events()).map(({ id }) => id)).not.toContain(ver('old'));
  });

  it('goes on in another replica where the first one was killed, and loses none', async () => {
    const { ledger, relay, publish, events } = place();
    let isKilled = false;
    // It publishes one of the events, and never comes back to note that.
    const first = relay('a', async (event) => {
      if (isKilled) return new Promise(() => {});
      isKilled = true;
      await publish(event);
      return new Promise(() => {});
    });
    const ids = Array.from({ length: 450 }, (_, number) => ver(String(number)));
    for (const id of ids) await ledger.append([entry('started', id)]);
    await until(async () => isKilled);
    const second = relay('b');
    await until(async () => (await events()).length >= ids.length + 1);
    await Promise.all([first.close(), second.close()]);
    const told = (await events()).map(({ id }) => id);
    expect(new Set(told)).toEqual(new Set(ids));
    expect(told.length).toBe(ids.length + 1);
  });

  it('is one replica at a time', async () => {
    const { ledger, relay, events } = place();
    const running = ['a', 'b', 'c'].map((owner) => relay(owner));
    const ids = Array.from({ length: 60 }, (_, number) => ver(String(number)));
    for (const id of ids) await ledger.append([entry('started', id)]);
    await until(async () => (await events()).length >= ids.length);
    await Promise.all(running.map((each) => each.close()));
    expect((await events()).map(({ id }) => id)).toEqual(ids);
  });
});

describe('in a cluster', () => {
  it('an entry that is revoked becomes no event', async () => {
    const cluster = await startCluster();
    const on = connectRedis({ url: cluster.url });
    try {
      await waitForRedis(on, 45_000);
      const { ledger, relay, events } = place(on);
      const running = relay('a');
      await ledger.append([entry('started', ver('1')), entry('started', ver('2'))]);
      await ledger.append([entry('revoked', ver('1'), { of: 'started' })]);
      await until(async () => (await events()).length > 0);
      await running.close();
      expect((await events()).map(({ id }) => id)).toEqual([ver('2')]);
    } finally {
      on.disconnect();
      await cluster.stop();
    }
  });
});

describe('the feed of events', () => {
  const event = (recordId: string): ServiceEvent => ({
    ...{ kind: 'verification.ended', recordId, tenantId: 'acme', status: 'PASSED', atMs: at },
  });

  it('tells each listener of the events of its record from now on', async () => {
    const { mode, publish } = place();
    const feed = createRedisEventFeed(client, mode);
    await publish(event(ver('1')));
    const heard: string[] = [];
    const stop = await feed.listen(ver('1'), () => heard.push('one'));
    await feed.listen(ver('2'), () => heard.push('two'));
    expect(heard).toEqual([]);
    await publish(event(ver('2')));
    await publish(event(ver('1')));
    await until(async () => heard.length >= 2);
    expect(heard).toEqual(['two', 'one']);
    stop();
    await publish(event(ver('1')));
    await publish(event(ver('2')));
    await until(async () => heard.length >= 3);
    expect(heard).toEqual(['two', 'one', 'two']);
  });

  it('misses none while connections are cut', async () => {
    const { mode, publish } = place();
    const reader = connectRedis({ url: redis.url });
    await waitForRedis(reader, 45_000);
    const feed = createRedisEventFeed(reader, mode);
    const heard: string[] = [];
    const ids = Array.from({ length: 200 }, (_, number) => ver(String(number)));
    for (const id of ids) await feed.listen(id, () => heard.push(id));
    for (const [number, id] of ids.entries()) {
      await until(() =>
        publish(event(id)).then(
          () => true,
          () => false,
        ),
      );
      if (number === 100) await redis.command('CLIENT', 'KILL', 'TYPE', 'normal');
    }
    await until(async () => new Set(heard).size >= ids.length);
    expect(new Set(heard)).toEqual(new Set(ids));
    reader.disconnect();
  });

  it('refuses a listener while Redis is away', async () => {
    const away = await startRedis();
    const reader = connectRedis({ url: away.url });
    await waitForRedis(reader, 45_000);
    const feed = createRedisEventFeed(reader, 'test');
    await away.stop();
    await expect(feed.listen(ver('1'), () => {})).rejects.toThrow('the store is not available');
    reader.disconnect();
  });
});
