import { setTimeout as sleep } from 'node:timers/promises';
import { eventKinds, type ServiceEvent } from '../../ports/index.ts';
import type { RedisClient } from '../redis/connect-redis.ts';
import { eventStream } from '../redis/redis-publish.ts';
import { isDoneWithin } from '../running-time.ts';
import type { WebhookQueue } from './webhook-queues.ts';

interface Deps {
  readonly client: RedisClient;
  readonly mode: string;
  /** Tells replicas apart. */
  readonly consumer: string;
  readonly queues: readonly WebhookQueue[];
}

const group = 'webhooks';
const lookEveryMs = 500;
const eventsAtOnce = 100;
/** What a replica has taken for so long and not finished, another one takes. */
const lostAfterMs = 10_000;
/** A consumer that has nothing left and was idle for so long is gone. */
const forgetAfterMs = 3_600_000;
const closeWithinMs = 2000;

type Entry = readonly [id: string, fields: readonly string[]];

/**
 * Adds a delivery for each event and each endpoint that wants it. An event is acknowledged after all its deliveries were
 * added, so none is lost with a process.
 */
export function dispatchWebhooks(deps: Deps): { readonly close: () => Promise<void> } {
  const ending = new AbortController();
  const working = work(deps, ending.signal);
  return {
    close: async () => {
      ending.abort();
      await isDoneWithin(working, closeWithinMs);
    },
  };
}

async function work(deps: Deps, ending: AbortSignal): Promise<void> {
  let isReady = false;
  while (!ending.aborted) {
    // If Redis is away, the next look finds what is left. The readiness probe reports the outage.
    const count: number | null = await (isReady ? dispatchSome(deps) : begin(deps)).catch(
      () => null,
    );
    // The group is gone if Redis lost its data.
    isReady = count !== null;
    if (count === null || count < eventsAtOnce) {
      await sleep(lookEveryMs, undefined, { signal: ending }).catch(() => {});
    }
  }
}

/** Events from before the first replica with webhooks are not told. */
async function begin({ client, mode }: Deps): Promise<number> {
  const stream = eventStream(mode);
  await client.xgroup('CREATE', stream, group, '$', 'MKSTREAM').catch((error: unknown) => {
    if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error;
  });
  const consumers = (await client.xinfo('CONSUMERS', stream, group)) as readonly unknown[][];
  for (const about of consumers) {
    const of = (name: string): unknown => about[about.indexOf(name) + 1];
    if (of('pending') === 0 && Number(of('idle')) > forgetAfterMs) {
      await client.xgroup('DELCONSUMER', stream, group, String(of('name')));
    }
  }
  return eventsAtOnce;
}

async function dispatchSome({ client, mode, consumer, queues }: Deps): Promise<number> {
  const stream = eventStream(mode);
  const [, lost] = (await client.xautoclaim(
    ...([stream, group, consumer, lostAfterMs, '0', 'COUNT', eventsAtOnce] as const),
  )) as [string, Entry[]];
  const read = (await client.xreadgroup(
    ...(['GROUP', group, consumer, 'COUNT', eventsAtOnce, 'STREAMS', stream, '>'] as const),
  )) as readonly [string, Entry[]][] | null;
  const fresh = read?.[0]?.[1] ?? [];
  const entries = [...lost, ...fresh];
  if (entries.length === 0) return 0;
  for (const [, fields] of entries) {
    const event = toServiceEvent(fields);
    if (!event) continue;
    const wanted = queues.filter(
      ({ endpoint: { tenantId, kinds } }) =>
        [event.tenantId, '*'].includes(tenantId) && kinds.includes(event.kind),
    );
    await Promise.all(wanted.map((queue) => queue.add(event)));
  }
  await client.xack(stream, group, ...entries.map(([id]) => id));
  return fresh.length;
}

/** Null for an entry of an earlier build, or one that is trimmed already. */
function toServiceEvent(fields: readonly string[] | null): ServiceEvent | null {
  const of = (name: string): string | null => {
    const at = (fields ?? []).findIndex((each, index) => index % 2 === 0 && each === name);
    return at < 0 ? null : (fields?.[at + 1] ?? null);
  };
  const kind = eventKinds.find((each) => each === of('kind'));
  const [recordId, tenantId] = [of('id'), of('tenantId')];
  if (!kind || recordId === null || tenantId === null) return null;
  return { kind, recordId, tenantId, status: of('status'), atMs: Date.parse(of('at') ?? '') };
}
