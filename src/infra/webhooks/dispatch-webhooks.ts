import { setTimeout as sleep } from 'node:timers/promises';
import { eventKinds, type ServiceEvent } from '../../ports/index.ts';
import type { RedisClient } from '../redis/connect-redis.ts';
import { isRefusal } from '../redis/redis-fault.ts';
import { endOfMs, eventStream } from '../redis/redis-publish.ts';
import { isDoneWithin } from '../running-time.ts';
import { isWanted, queueName, type WebhookQueue } from './webhook-queues.ts';

interface Deps {
  readonly client: RedisClient;
  readonly mode: string;
  /** Tells replicas apart. */
  readonly consumer: string;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}

const lookEveryMs = 500;
const eventsAtOnce = 100;
/** What a replica has taken for so long and not finished, another one takes. */
const lostAfterMs = 10_000;
/** A consumer that has nothing left and was idle for so long is gone. */
const forgetAfterMs = 3_600_000;
const closeWithinMs = 2000;

type Entry = readonly [id: string, fields: readonly string[] | null];

/**
 * Adds a delivery for each event that the endpoint wants. An event is acknowledged after its delivery was added, so none is
 * lost with a process. Each endpoint has a consumer group: a replica that does not know it yet cannot acknowledge for it.
 */
export function dispatchWebhooks(
  deps: Deps,
  queue: WebhookQueue,
): { readonly close: () => Promise<void> } {
  const ending = new AbortController();
  const working = work(deps, queue, ending.signal);
  return {
    close: async () => {
      ending.abort();
      await isDoneWithin(working, closeWithinMs);
    },
  };
}

async function work(deps: Deps, queue: WebhookQueue, ending: AbortSignal): Promise<void> {
  const reader = createReader(deps, queue, endOfMs(deps.now()));
  let isReady = false;
  let isToldOf = false;
  while (!ending.aborted) {
    // If Redis is away, the next look finds what is left. The readiness probe reports the outage.
    const count: number | null = await (isReady ? reader.dispatchSome() : reader.begin()).catch(
      (error: unknown) => {
        const isGone = error instanceof Error && error.message.startsWith('NOGROUP');
        if (!isToldOf && !isGone && isRefusal(error)) {
          isToldOf = true;
          deps.onError(error);
        }
        return null;
      },
    );
    // The group is gone if Redis lost its data.
    isReady = count !== null;
    if (count === null || count < eventsAtOnce) {
      await sleep(lookEveryMs, undefined, { signal: ending }).catch(() => {});
    }
  }
}

/** `place`: where it begins if there is no group. What happened before is not told. */
function createReader({ client, mode, consumer }: Deps, queue: WebhookQueue, place: string) {
  const stream = eventStream(mode);
  const { endpoint } = queue;
  const group = `webhooks:${queueName(endpoint)}`;
  let last = place;

  return {
    begin: async (): Promise<number> => {
      await client.xgroup('CREATE', stream, group, last, 'MKSTREAM').catch((error: unknown) => {
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
    },

    dispatchSome: async (): Promise<number> => {
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
        if (event && isWanted(endpoint, event)) await queue.add(event);
      }
      await client.xack(stream, group, ...entries.map(([id]) => id));
      last = fresh.at(-1)?.[0] ?? last;
      return fresh.length;
    },
  };
}

/** Null for an entry of an earlier build, which has no tenant, or one that is trimmed already. */
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
