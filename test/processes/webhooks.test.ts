import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandError } from '../../src/commands/command-error.ts';
import { webhooks } from '../../src/commands/webhooks.ts';
import { cardInput } from '../support/card-input.ts';
import { checkMutation, redactVerificationMutation, startMutation } from '../support/operations.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startReplica, type Replica } from '../support/replicas.ts';
import { until } from '../support/until.ts';
import { startWebhookReceiver, type Received } from '../support/webhook-receiver.ts';

// Real processes on one Redis, and receivers that behave well or badly.

type Receiver = Awaited<ReturnType<typeof startWebhookReceiver>>;

const key = Buffer.alloc(32, 7).toString('base64');
const secretOf = (fill: number): string => `whsec_${Buffer.alloc(32, fill).toString('base64')}`;
const secrets = [secretOf(2), secretOf(1)];

let redis: RedisServer;
let folder = '';
let file = '';
let receivers: Record<'acme' | 'globex' | 'slow' | 'gone' | 'ends', Receiver>;
let replicas: Replica[] = [];
let count = 0;

beforeAll(async () => {
  redis = await startRedis();
  const [acme, globex, slow, gone, ends] = await Promise.all([
    ...Array.from({ length: 5 }, () => startWebhookReceiver()),
  ]);
  if (!acme || !globex || !slow || !gone || !ends) throw new Error('no receivers');
  receivers = { acme, globex, slow, gone, ends };
  slow.behave(() => {});
  gone.behave((_delivery, response) => response.writeHead(410).end());
  folder = mkdtempSync(join(tmpdir(), 'webhooks-'));
  file = join(folder, 'webhooks.yaml');
  writeFileSync(join(folder, 'secret'), `${secrets.join('\n')}\n`);
  const of = (receiver: Receiver, tenant: string, more = ''): string => `
    tenant: ${tenant}
    url: ${receiver.url}/hook
    secretFile: ${join(folder, 'secret')}
    privateNetworks: [127.0.0.0/8]${more}`;
  writeFileSync(
    file,
    `endpoints:
  acme: ${of(acme, 'acme')}
  globex: ${of(globex, 'globex')}
  slow: ${of(slow, 'acme')}
  gone: ${of(gone, 'acme', '\n    kinds: [verification.redacted]')}
  ends: ${of(ends, '"*"', '\n    kinds: [verification.ended]')}
`,
  );
  replicas = await Promise.all([startOne(), startOne()]);
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.kill()));
  await Promise.all(Object.values(receivers).map((receiver) => receiver.stop()));
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const startOne = (): Promise<Replica> => startReplica(redis.url, null, { WEBHOOKS_FILE: file });

/** Asks one of the replicas, and repeats what it could not do now. */
async function ask(query: string, variables: object, tenant = 'acme') {
  count += 1;
  return until(async () => {
    const replica = replicas[count % replicas.length];
    const response = await fetch(`${replica?.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-tenant-id': tenant },
      body: JSON.stringify({ query, variables }),
    }).catch(() => null);
    // Tests read deep into answers whose shape they assert.
    // oxlint-disable-next-line typescript/no-explicit-any
    const { data } = ((await response?.json().catch(() => null)) ?? {}) as { data?: any };
    const [result] = Object.values(data ?? {}) as { retry?: string }[];
    return result && result.retry !== 'SAME_KEY' ? data : null;
  });
}

const newKey = (): string => `webhooks-${(count += 1)}-${process.pid}`;

async function start(tenant = 'acme'): Promise<string> {
  const input = { idempotencyKey: newKey(), channel: 'E_ID', extra: newKey() };
  const data = await ask(startMutation, { input }, tenant);
  return data.startVerification.verification.id;
}

const cancelMutation = `mutation ($id: ID!) {
  cancelVerification(id: $id) { ... on CancelVerificationSuccess { verification { id } }
    ... on VerificationProblem { retry } }
}`;

async function cancelled(tenant = 'acme'): Promise<string> {
  const id = await start(tenant);
  await ask(cancelMutation, { id }, tenant);
  return id;
}

const about = (receiver: Receiver, id: string): Received[] =>
  receiver.received.filter(({ data }) => data.id === id);

/** Waits until the receiver was told of it so often. */
const heard = (receiver: Receiver, id: string, times = 1) =>
  until(async () => about(receiver, id).length >= times && about(receiver, id), 120_000);

/** Runs a command in this process, as src/bin.ts does. */
async function command(...parameters: string[]) {
  const env = {
    ...{ WEBHOOKS_FILE: file, REDIS_URL: redis.url },
    ...{ STORE_HASH_KEYS: `h1:${key}`, STORE_ENCRYPTION_KEYS: `e1:${key}` },
  };
  let out = '';
  try {
    for await (const line of webhooks(env, parameters)) out += `${line}\n`;
    return { code: 0, out, error: '' };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { code: error.exitCode, out, error: `${error.message}\n` };
  }
}

describe('webhooks', () => {
  it('tell a tenant of starts, ends, redactions and checks, signed, with ids and a status only', async () => {
    const { acme, globex, ends } = receivers;
    const id = await start();
    await ask(cancelMutation, { id });
    await ask(redactVerificationMutation, { id });
    const checked = await ask(checkMutation, { input: cardInput('Ann Example', newKey()) });
    const { id: checkId } = checked.checkBankCard.check;
    const deliveries = [...(await heard(acme, id, 3)), ...(await heard(acme, checkId))];
    const told = deliveries.map(({ body, headers }) => {
      const [first, second] = secrets.map((secret) =>
        new Webhook(secret).verify(body, headers as Record<string, string>),
      );
      expect(first).toEqual(second);
      return first;
    });
    const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/u);
    const tenantId = 'acme';
    expect(told).toHaveLength(4);
    expect(told).toEqual(
      expect.arrayContaining([
        { type: 'verification.started', timestamp, data: { id, tenantId } },
        { type: 'verification.ended', timestamp, data: { id, tenantId, status: 'CANCELLED' } },
        { type: 'verification.redacted', timestamp, data: { id, tenantId } },
        {
          ...{ type: 'bank_card_check.done', timestamp },
          data: { id: checkId, tenantId, status: 'MATCHED' },
        },
      ]),
    );
    // Each endpoint gets what it asked for.
    expect((await heard(ends, id)).map(({ type }) => type)).toEqual(['verification.ended']);
    expect(globex.received).toEqual([]);
    const other = await cancelled('globex');
    await heard(globex, other, 2);
    expect(about(acme, other)).toEqual([]);
    await heard(ends, other);
  });

  it('of one endpoint do not wait for another one that hangs', async () => {
    const { acme, slow } = receivers;
    const ids: string[] = [];
    for (let round = 0; round < 12; round++) ids.push(await cancelled());
    for (const id of ids) await heard(acme, id, 2);
    // It still holds the first ones.
    expect(slow.received.length).toBeGreaterThan(0);
    for (const replica of replicas) {
      const text = await (await fetch(`${replica.url}/metrics`)).text();
      const [, waiting] = /endpoint="slow",state="waiting"\} (\d+)/u.exec(text) ?? [];
      expect(Number(waiting)).toBeGreaterThan(0);
    }
  });

  it('are sent again after a failure, with the same id', async () => {
    const { ends } = receivers;
    let failures = 0;
    ends.behave((_delivery, response) => {
      failures += 1;
      response.writeHead(failures === 1 ? 500 : 204).end();
    });
    const id = await cancelled('initech');
    const [first, second] = await heard(ends, id, 2);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(second?.body).toBe(first?.body);
    // It signs the time of the attempt.
    expect(Number(second?.headers['webhook-timestamp'])).toBeGreaterThan(
      Number(first?.headers['webhook-timestamp']),
    );
    ends.behave((_delivery, response) => response.writeHead(204).end());
  });

  it('are each delivered at least once while replicas are killed', async () => {
    const { ends } = receivers;
    // Time for a kill in the middle of a delivery.
    ends.behave((_delivery, response) => setTimeout(() => response.writeHead(204).end(), 100));
    const ids: string[] = [];
    for (let round = 0; round < 30; round++) {
      ids.push(await cancelled('umbrella'));
      if (round % 10 !== 5) continue;
      const at = round % 2;
      await replicas[at]?.kill();
      replicas[at] = await startOne();
    }
    for (const id of ids) await heard(ends, id);
    const webhookIds = ids.map(
      (id) => new Set(about(ends, id).map((each) => each.headers['webhook-id'])),
    );
    for (const each of webhookIds) expect(each.size).toBe(1);
    ends.behave((_delivery, response) => response.writeHead(204).end());
  });
});

describe('a delivery that is given up', () => {
  it('is seen in the metrics and in a list, and can be sent again', async () => {
    const { gone } = receivers;
    const id = await start();
    await ask(redactVerificationMutation, { id });
    await heard(gone, id);
    const line = await until(async () => {
      const { out } = await command('list', '--endpoint', 'gone');
      return out.split('\n').find((each) => each.includes(id));
    });
    const dead = JSON.parse(line) as { readonly webhook: string };
    expect(dead).toMatchObject({
      ...{ endpoint: 'gone', state: 'dead', kind: 'verification.redacted', recordId: id },
      ...{ attempts: 1, last: 'gone 410' },
    });
    const metrics = async (): Promise<string> =>
      (await fetch(`${replicas[0]?.url}/metrics`)).text();
    expect(await metrics()).toMatch(/verification_webhooks\{endpoint="gone",state="dead"\} [1-9]/u);

    gone.behave((_delivery, response) => response.writeHead(204).end());
    const again = await command('replay', '--endpoint', 'gone', '--id', dead.webhook);
    expect(again).toMatchObject({ code: 0, out: '1 delivery begins anew.\n' });
    await heard(gone, id, 2);
    await until(async () => !(await command('list', '--endpoint', 'gone')).out.includes(id));
    const nothing = await command('replay', '--endpoint', 'gone', '--id', dead.webhook);
    expect(nothing.code).toBe(1);
    expect(await command('replay', '--endpoint', 'gone')).toMatchObject({ code: 0 });
  });
});

describe('the command webhooks', () => {
  it('sends a test event, and says what became of it', async () => {
    const { acme, globex } = receivers;
    const sent = await command('test', '--endpoint', 'acme');
    expect(sent).toMatchObject({ code: 0, out: 'acme: delivered, status 204.\n' });
    const { body, headers } = acme.received.at(-1) ?? { body: '', headers: {} };
    expect(new Webhook(secretOf(1)).verify(body, headers as Record<string, string>)).toMatchObject({
      type: 'webhook.test',
    });
    globex.behave((_delivery, response) => response.writeHead(404).end());
    const refused = await command('test', '--endpoint', 'globex');
    expect(refused).toMatchObject({ code: 1, error: 'globex: refused, status 404.\n' });
  });

  it('lists every endpoint, without its URL and its secret', async () => {
    const { out, code } = await command('list');
    expect(code).toBe(0);
    for (const id of Object.keys(receivers)) expect(out).toContain(`"endpoint":"${id}"`);
    expect(out).not.toMatch(/whsec|http/u);
  });

  it('refuses a wrong command line', async () => {
    expect(await command()).toMatchObject({ code: 2 });
    expect(await command('test')).toMatchObject({ code: 2 });
    expect(await command('test', '--endpoint', 'nobody')).toMatchObject({ code: 2 });
  });
});
