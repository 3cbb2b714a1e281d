import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRedisProxy } from '../support/redis-proxy.ts';
import { startReplicaGroup, type ReplicaGroup } from '../support/replica-group.ts';
import { cardInput } from '../support/card-input.ts';
import { checkMutation, startMutation, userQuery } from '../support/operations.ts';
import { startLedgerProvider, startReplica, type LedgerProvider } from '../support/replicas.ts';
import { until } from '../support/until.ts';

// A replica is killed at each Redis command of an operation in turn: right before the command reaches Redis, and right
// after. Another replica then repeats the key, as a client does.

interface Operation {
  readonly query: string;
  /** `name` is the person's, by which the provider counts calls. */
  readonly inputOf: (name: string) => object;
  readonly isDone: (answer: Answer) => boolean;
  readonly fewestCommands: number;
}

interface Answer {
  readonly code?: string;
  readonly check?: { readonly outcome: string };
  readonly verification?: { readonly id: string };
}

const check: Operation = {
  query: checkMutation,
  inputOf: (name) => cardInput(name, name),
  isDone: ({ check: done }) => done?.outcome === 'MATCHED',
  fewestCommands: 9,
};
const startOf = (provider: string, channel: string): Operation => ({
  query: startMutation,
  inputOf: (name) => ({
    ...{ idempotencyKey: name, provider, channel },
    subject: { name, idNumber: '11204416541220243X' },
  }),
  isDone: ({ verification }) => verification !== undefined,
  fewestCommands: 9,
});
const paidStart = startOf('oemcloud', 'FACE_WEB');
const freeStart = startOf('tencent-cn', 'E_ID');

let group: ReplicaGroup;
let provider: LedgerProvider;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  provider = await startLedgerProvider();
  env = {
    ...{ TENCENT_CN_ENDPOINT: provider.url, OEMCLOUD_ENDPOINT: provider.url },
    OEMCLOUD_OUTCOME: 'outline',
  };
  group = await startReplicaGroup(1, { env });
}, 90_000);
afterAll(async () => {
  await group?.stop();
  await provider?.stop();
});

/** How many replicas are under way at the same time: most of the time is waiting for what a key becomes. */
const atOnce = 6;

describe('a replica that is killed right before or after any Redis command', () => {
  it('of a check leaves at most one call, and says what is known of it', async () => {
    const told = await killAtEach(check, 'check', (paid, isDone) => {
      expect(paid).toBeLessThanOrEqual(1);
      if (isDone) expect(paid).toBe(1);
    });
    // If nothing was sent, the key is free again; if something may have been, it is not.
    expect(told).toEqual(new Set(['done', 'OUTCOME_UNKNOWN']));
  }, 600_000);

  it('of a start that may charge leaves at most one call, and lists what was started once', async () => {
    const told = await killAtEach(paidStart, 'paid start', (paid, isDone, listed) => {
      expect(paid).toBeLessThanOrEqual(1);
      if (isDone) expect(paid).toBe(1);
      expect(listed).toBe(Number(isDone));
    });
    expect(told).toEqual(new Set(['done', 'OUTCOME_UNKNOWN']));
  }, 600_000);

  it('of a free start is repeated until it is started, and lists it once', async () => {
    const told = await killAtEach(freeStart, 'free start', (calls, isDone, listed) => {
      expect(calls).toBeLessThanOrEqual(2);
      expect([isDone, listed]).toEqual([true, 1]);
    });
    expect(told).toEqual(new Set(['done']));
  }, 600_000);
});

/** Kills a replica at each command of an operation, and looks at what that left. Returns what callers are told. */
async function killAtEach(
  operation: Operation,
  title: string,
  look: (calls: number, isDone: boolean, listed: number) => void,
): Promise<ReadonlySet<string | undefined>> {
  const before = { entries: (await ledger()).length, calls: provider.ledger.length };
  const whole = await killAt(operation, Infinity, 'before', `${title} not killed`);
  expect(whole.isKilled).toBe(false);
  expect(whole.commands).toBeGreaterThanOrEqual(operation.fewestCommands);
  const cases = (['before', 'after'] as const).flatMap((moment) =>
    Array.from({ length: whole.commands }, (_, at) => ({ moment, nth: at + 1 })),
  );
  const told = new Set<string | undefined>();
  let killed = 0;
  let done = 1;
  const work = async (): Promise<void> => {
    for (let one = cases.pop(); one; one = cases.pop()) {
      const name = `${title} killed ${one.moment} ${one.nth}`;
      const { isKilled, answer } = await killAt(operation, one.nth, one.moment, name);
      const isDone = operation.isDone(answer);
      // On a busy machine one operation may need a command more than another.
      if (isKilled) killed += 1;
      else expect(isDone, name).toBe(true);
      if (isDone) done += 1;
      told.add(isDone ? 'done' : answer.code);
      try {
        look(provider.paidFor(name), isDone, await countListed(name));
      } catch (error) {
        throw new Error(name, { cause: error });
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  expect(killed).toBeGreaterThan(operation.fewestCommands);
  const calls = provider.ledger.slice(before.calls).filter((name) => name.startsWith(title));
  expectToldOnce((await ledger()).slice(before.entries), { done, calls: calls.length });
  return told;
}

/** No kill separates what was done from what the ledger says. */
function expectToldOnce(
  entries: readonly Texts[],
  { done, calls }: { readonly done: number; readonly calls: number },
): void {
  const ofKind = (...kinds: readonly string[]) =>
    entries.filter(({ kind = '' }) => kinds.includes(kind));
  expect(ofKind('checked', 'started')).toHaveLength(done);
  const begun = ofKind('charge_begun');
  // A free start costs nothing.
  if (begun.length === 0) return;
  const settled = new Set(ofKind('charge', 'charge_dropped').map(({ recordId }) => recordId));
  const open = begun.filter(({ recordId }) => !settled.has(recordId));
  const charges = ofKind('charge').filter(({ billing }) => billing !== 'NOT_CHARGED');
  const known = charges.filter(({ billing }) => billing === 'CHARGED').length;
  expect(calls).toBeGreaterThanOrEqual(known);
  expect(calls).toBeLessThanOrEqual(charges.length + open.length);
  const people = ofKind('charge_begun', 'charge', 'checked', 'started');
  expect(new Set(people.map(({ tenantId }) => tenantId))).toEqual(new Set(['sandbox']));
}

type Texts = Readonly<Record<string, string>>;

async function ledger(): Promise<readonly Texts[]> {
  const found = await group.redis.command('XRANGE', '{vs:sandbox}:audit', '-', '+');
  return (found as [string, string[]][]).map(([, texts]) =>
    Object.fromEntries(texts.flatMap((name, at) => (at % 2 ? [] : [[name, texts[at + 1] ?? '']]))),
  );
}

/** Kills a replica at its nth command. Returns what another replica tells under the same key. */
async function killAt(
  operation: Operation,
  nth: number,
  moment: 'before' | 'after',
  name: string,
): Promise<{ isKilled: boolean; commands: number; answer: Answer }> {
  const state = { isArmed: false, seen: 0, isKilled: false };
  let kill = (): void => {};
  const proxy = await startRedisProxy(group.redis.port, (client, upstream) => {
    upstream.pipe(client);
    carryCommands(client, (command) => {
      if (state.isKilled) return;
      if (state.isArmed && isOfOperation(command)) state.seen += 1;
      const isThisOne = state.isArmed && state.seen === nth && isOfOperation(command);
      if (!isThisOne || moment === 'after') upstream.write(command);
      if (isThisOne) {
        state.isKilled = true;
        kill();
      }
    });
  });
  const doomed = await startReplica(proxy.url, null, env);
  kill = () => void doomed.child.kill('SIGKILL');
  state.isArmed = true;
  const own = await ask(doomed.url, operation, name);
  await doomed.kill();
  await proxy.stop();
  const { seen: commands } = state;
  if (!state.isKilled && own && operation.isDone(own)) {
    return { isKilled: false, commands, answer: own };
  }
  const answer = await until(async () => {
    const one = await ask(group.oneOf(0).url, operation, name);
    return one && (operation.isDone(one) || one.code === 'OUTCOME_UNKNOWN') ? one : null;
  }, 60_000);
  return { isKilled: true, commands, answer };
}

/** As a user of that name. Null without an answer. */
async function ask(url: string, operation: Operation, name: string): Promise<Answer | null> {
  const variables = { input: operation.inputOf(name) };
  const data = await send(url, operation.query, variables, name).catch(() => null);
  return data?.checkBankCard ?? data?.startVerification ?? null;
}

async function countListed(name: string): Promise<number> {
  const users = [{ __typename: 'User', id: encodeURIComponent(name) }];
  const data = await send(group.oneOf(0).url, userQuery, { users }, name);
  return data._entities[0].verifications.edges.length;
}

async function send(url: string, query: string, variables: object, user: string) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-user-id': encodeURIComponent(user) },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(60_000),
  });
  // Tests read deep into answers whose shape they assert.
  // oxlint-disable-next-line typescript/no-explicit-any
  return ((await response.json()) as { data: any }).data;
}

/** Heartbeats, and the worker of the follow-ups, go on at their own times. */
function isOfOperation(command: Buffer): boolean {
  const text = command.toString('latin1');
  const isPlan = /^\*\d+\r\n\$4\r\nzadd\r\n/iu.test(text);
  return isPlan || /vs:[a-z]+:(?:record|claim|cache|lock|list|quota):/u.test(text);
}

/** Calls back for each whole command: an array of bulk strings, as clients send them. */
function carryCommands(client: Socket, onCommand: (command: Buffer) => void): void {
  let pending = Buffer.alloc(0);
  client.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    for (let end = endOfCommand(pending); end > 0; end = endOfCommand(pending)) {
      onCommand(pending.subarray(0, end));
      pending = pending.subarray(end);
    }
  });
}

/** Where the first command ends; 0 while it is incomplete. */
function endOfCommand(bytes: Buffer): number {
  const count = numberAt(bytes, 0, '*');
  if (!count) return 0;
  let at = count.end;
  for (let part = 0; part < count.value; part++) {
    const length = numberAt(bytes, at, '$');
    if (!length) return 0;
    at = length.end + length.value + 2;
  }
  return at <= bytes.length ? at : 0;
}

function numberAt(
  bytes: Buffer,
  from: number,
  sign: string,
): { readonly value: number; readonly end: number } | null {
  const lineEnd = bytes.indexOf('\r\n', from);
  if (lineEnd < 0 || String.fromCodePoint(bytes[from] ?? 0) !== sign) return null;
  return { value: Number(bytes.subarray(from + 1, lineEnd).toString()), end: lineEnd + 2 };
}
