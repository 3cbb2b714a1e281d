import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRedisProxy } from '../support/redis-proxy.ts';
import { startReplicaGroup, type ReplicaGroup } from '../support/replica-group.ts';
import { startReplica } from '../support/replicas.ts';
import { until } from '../support/until.ts';

// A replica is killed at each Redis command of a paid check in turn: right before the command reaches Redis, and
// right after. Another replica then repeats the key, as a client does.

let group: ReplicaGroup;

beforeAll(async () => {
  group = await startReplicaGroup(1);
}, 90_000);
afterAll(() => group?.stop());

/** How many replicas are under way at the same time: most of the time is waiting for what a key becomes. */
const atOnce = 6;

describe('a replica that is killed', () => {
  it('right before or after any Redis command of a check leaves at most one call, and says what is known of it', async () => {
    const whole = await killAt(Infinity, 'before', 'not killed');
    expect(whole).toMatchObject({ isKilled: false, answer: { check: { outcome: 'MATCHED' } } });
    expect(whole.commands).toBeGreaterThan(8);
    const cases = (['before', 'after'] as const).flatMap((moment) =>
      Array.from({ length: whole.commands }, (_, at) => ({ moment, nth: at + 1 })),
    );
    const told: string[] = [];
    let killed = 0;
    const work = async (): Promise<void> => {
      for (let one = cases.pop(); one; one = cases.pop()) {
        const name = `killed ${one.moment} ${one.nth}`;
        const { isKilled, answer } = await killAt(one.nth, one.moment, name);
        if (isKilled) killed += 1;
        // On a busy machine one check may need a command more than another.
        else expect(answer.check?.outcome, name).toBe('MATCHED');
        told.push(answer.check?.outcome ?? answer.code);
        const paid = group.provider.paidFor(name);
        expect(paid, name).toBeLessThanOrEqual(1);
        if (answer.check) expect(paid, name).toBe(1);
        else expect(answer, name).toMatchObject({ code: 'OUTCOME_UNKNOWN', billing: 'UNKNOWN' });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    expect(killed).toBeGreaterThan(16);
    // If nothing was sent, the key is free again; if something may have been, it is not.
    expect(new Set(told)).toEqual(new Set(['MATCHED', 'OUTCOME_UNKNOWN']));
  }, 600_000);
});

/** Kills a replica at its nth command of a check. Returns what another replica tells under the same key. */
async function killAt(nth: number, moment: 'before' | 'after', name: string) {
  const state = { isArmed: false, seen: 0, isKilled: false };
  let kill = (): void => {};
  const proxy = await startRedisProxy(group.redis.port, (client, upstream) => {
    upstream.pipe(client);
    carryCommands(client, (command) => {
      if (state.isKilled) return;
      if (state.isArmed && isOfCheck(command)) state.seen += 1;
      const isThisOne = state.isArmed && state.seen === nth && isOfCheck(command);
      if (!isThisOne || moment === 'after') upstream.write(command);
      if (isThisOne) {
        state.isKilled = true;
        kill();
      }
    });
  });
  const doomed = await startReplica(proxy.url, group.provider.url);
  kill = () => void doomed.child.kill('SIGKILL');
  state.isArmed = true;
  const own = await doomed.check(name, name);
  await doomed.kill();
  await proxy.stop();
  const { seen: commands } = state;
  if (!state.isKilled && own?.check) return { isKilled: false, commands, answer: own };
  const answer = await until(async () => {
    const one = await group.oneOf(0).check(name, name);
    return one?.check || one?.code === 'OUTCOME_UNKNOWN' ? one : null;
  }, 40_000);
  return { isKilled: true, commands, answer };
}

/** Heartbeats and the queue's worker go on at their own times. */
function isOfCheck(command: Buffer): boolean {
  return /vs:[a-z]+:(?:record|claim|cache|lock|list|quota):/u.test(command.toString('latin1'));
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
