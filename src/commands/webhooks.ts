import { parseArgs } from 'node:util';
import { BootError } from '../core/boot-error.ts';
import { modeOf } from '../core/core-deps.ts';
import { createWebhookSender } from '../infra/webhooks/send-webhook.ts';
import type { WebhookEndpoint } from '../infra/webhooks/webhook-endpoint.ts';
import {
  createWebhookQueue,
  type WebhookDelivery,
  type WebhookQueue,
} from '../infra/webhooks/webhook-queues.ts';
import { readMode } from './audit.ts';
import { CommandError, wrongUsage } from './command-error.ts';
import { connectOrFail, readStoreSettings } from './open-store.ts';

type Env = Readonly<Record<string, string | undefined>>;

const pageSize = 1000;

/**
 * `webhooks list`: the endpoints, and their deliveries that wait or were given up, as lines of JSON. `webhooks replay`:
 * begins deliveries anew that were given up. `webhooks test`: sends an event of the type `webhook.test` now, and says what
 * became of it. Throws `CommandError`, `BootError` and `StoreUnavailable`.
 */
export async function* webhooks(env: Env, parameters: readonly string[]): AsyncIterable<string> {
  const [command, ...rest] = parameters;
  const { values: given } = parseArgs({
    args: rest,
    options: {
      endpoint: { type: 'string' },
      id: { type: 'string' },
      mode: { type: 'string' },
    },
  });
  const { config, connection } = await readStoreSettings(env);
  if (config.webhooks.length === 0) throw new BootError(['WEBHOOKS_FILE is needed.']);
  if (command === 'test') return yield* test(toOne(config.webhooks, given.endpoint));
  if (command !== 'list' && command !== 'replay') {
    throw wrongUsage('webhooks needs list, replay or test');
  }
  const mode = readMode(given.mode) ?? modeOf(config);
  const client = await connectOrFail(connection);
  const chosen =
    command === 'replay' || given.endpoint !== undefined
      ? [toOne(config.webhooks, given.endpoint)]
      : config.webhooks;
  const queues = chosen.map((endpoint) => createWebhookQueue({ client, mode }, endpoint));
  try {
    for (const queue of queues) {
      yield* command === 'list' ? list(queue) : replay(queue, given.id);
    }
  } finally {
    client.disconnect();
  }
}

async function* list(queue: WebhookQueue): AsyncIterable<string> {
  const { id: endpoint, tenantId, kinds } = queue.endpoint;
  yield JSON.stringify({ endpoint, tenantId, kinds, ...(await queue.counts()) });
  for (const state of ['dead', 'waiting'] as const) {
    for await (const { id, event, attempts, last } of all(queue, state)) {
      const { kind, recordId, atMs } = event;
      const at = new Date(atMs).toISOString();
      yield JSON.stringify({ endpoint, webhook: id, state, kind, recordId, at, attempts, last });
    }
  }
}

async function* all(
  queue: WebhookQueue,
  state: 'waiting' | 'dead',
): AsyncIterable<WebhookDelivery> {
  for (let from = 0; ; from += pageSize) {
    const page = await queue.list(state, { from, most: pageSize });
    yield* page;
    if (page.length < pageSize) return;
  }
}

async function* replay(queue: WebhookQueue, id: string | undefined): AsyncIterable<string> {
  const { endpoint } = queue;
  if (id !== undefined) {
    const isBegun = await queue.replay(id);
    if (!isBegun) throw new CommandError(`${endpoint.id} has no dead delivery ${id}.`, 1);
    yield '1 delivery begins anew.';
    return;
  }
  // All of them first: one that is given up again meanwhile is not begun a second time.
  const dead: string[] = [];
  for await (const delivery of all(queue, 'dead')) dead.push(delivery.id);
  let count = 0;
  for (const each of dead) if (await queue.replay(each)) count += 1;
  yield `${count} deliveries begin anew.`;
}

async function* test(endpoint: WebhookEndpoint): AsyncIterable<string> {
  const sender = createWebhookSender({ now: Date.now }, endpoint);
  const timestamp = new Date().toISOString();
  const data = { tenantId: endpoint.tenantId };
  const body = JSON.stringify({ type: 'webhook.test', timestamp, data });
  const { result, status } = await sender.send({ id: `evt_test_${Date.now()}`, body });
  await sender.close();
  const told = status === null ? result : `${result}, status ${status}`;
  if (result !== 'delivered') throw new CommandError(`${endpoint.id}: ${told}.`, 1);
  yield `${endpoint.id}: ${told}.`;
}

function toOne(endpoints: readonly WebhookEndpoint[], id: string | undefined): WebhookEndpoint {
  const [only, ...others] = endpoints;
  if (id === undefined && only && others.length === 0) return only;
  const found = endpoints.find((endpoint) => endpoint.id === id);
  if (found) return found;
  throw wrongUsage(`--endpoint must be one of ${endpoints.map((each) => each.id).join(', ')}`);
}
