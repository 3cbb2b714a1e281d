import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cardInput } from '../support/card-input.ts';
import { checkMutation, startMutation } from '../support/operations.ts';
import { startReplicaGroup, type ReplicaGroup } from '../support/replica-group.ts';
import { until } from '../support/until.ts';

// A day of 500 operations over three replicas, one of which is killed again and again. Afterwards the books must agree:
// what the provider counted, what the ledger says, what `costs` adds up, and what the metrics of the replicas say that
// were not killed.

type Texts = Readonly<Record<string, string>>;

const bin = fileURLToPath(new URL('../../src/bin.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'books-'));
/** The killed replica serves a tenant of its own, because its metrics are lost. */
const [steady, risky] = ['steady', 'risky'];
const hashKey = `h1:${Buffer.alloc(32, 7).toString('base64')}`;
const encryptionKey = `e1:${Buffer.alloc(32, 7).toString('base64')}`;

let group: ReplicaGroup;
beforeAll(async () => {
  const env = { TENCENT_CN_LIMIT_BANKCARD4EVERIFICATION: '200', BANK_CARD_CACHE_SECONDS: '3600' };
  group = await startReplicaGroup(3, { env });
}, 120_000);
afterAll(async () => {
  await group?.stop();
  rmSync(folder, { recursive: true });
});

async function command(...args: readonly string[]): Promise<string> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    REDIS_URL: group.redis.url,
    STORE_HASH_KEYS: hashKey,
    STORE_ENCRYPTION_KEYS: encryptionKey,
  };
  const most = 64 * 1024 * 1024;
  const run = promisify(execFile)(process.execPath, [bin, ...args], { env, maxBuffer: most });
  return (await run).stdout;
}

/** Repeats with the same key, as clients do, until there is a result or the outcome is unknown. */
async function settle(at: number, query: string, input: object): Promise<string> {
  const tenant = at % 3 === 2 ? risky : steady;
  return until(async () => {
    try {
      const response = await fetch(`${group.oneOf(at % 3).url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-tenant-id': tenant },
        body: JSON.stringify({ query, variables: { input } }),
        signal: AbortSignal.timeout(30_000),
      });
      const { data } = (await response.json()) as { readonly data?: Record<string, Told> };
      const told = data?.['checkBankCard'] ?? data?.['startVerification'];
      if (told?.check || told?.verification) return 'done';
      return told?.retry === 'NEW_KEY' ? (told.code ?? 'unknown') : null;
    } catch {
      return null;
    }
  }, 120_000);
}

interface Told {
  readonly check?: object;
  readonly verification?: object;
  readonly code?: string;
  readonly retry?: string;
}

async function oneOperation(at: number): Promise<string> {
  const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
  const person = `person-${at}`;
  if (at % 5 === 4) {
    return settle(at, startMutation, { idempotencyKey: `start-${at}`, channel: 'E_ID', subject });
  }
  // Every tenth repeats the key of an earlier one, and every tenth asks for the same person with a new key.
  const earlier = at - 30;
  if (at % 10 === 1 && earlier > 0) {
    return settle(at, checkMutation, cardInput(`person-${earlier}`, `check-${earlier}`));
  }
  if (at % 10 === 2 && earlier > 0) {
    return settle(at, checkMutation, cardInput(`person-${earlier}`, `check-${at}`));
  }
  return settle(at, checkMutation, cardInput(person, `check-${at}`));
}

/** Chargeable calls of the steady tenant, as the replicas count them. */
function countIn(metrics: readonly string[], billing: string): number {
  const lines = metrics.flatMap((text) => text.split('\n'));
  const wanted = [
    'verification_chargeable_calls_total{',
    `tenant="${steady}"`,
    `billing="${billing}"`,
  ];
  return lines
    .filter((line) => wanted.every((part) => line.includes(part)))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

describe('the books of a day', () => {
  it('agree to the call, though a replica was killed again and again', async () => {
    const warm = group.provider.ledger.length;
    // Long enough that a kill meets calls under way.
    group.provider.onCall((_name, answer) => void setTimeout(answer, 150));
    let next = 0;
    const outcomes: string[] = [];
    const worker = async (): Promise<void> => {
      for (let at = next++; at < 500; at = next++) outcomes.push(await oneOperation(at));
    };
    const day = { isOver: false };
    const killer = async (): Promise<void> => {
      for (let kills = 0; kills < 6 && !day.isOver; kills++) {
        const from = next;
        // After some more operations, and never in the last ones, which it must finish.
        await until(async () => day.isOver || next >= from + 60, 300_000);
        if (!day.isOver && next < 440) await group.replace(2);
      }
    };
    const killing = killer();
    await Promise.all(Array.from({ length: 8 }, worker));
    day.isOver = true;
    await killing;
    expect(outcomes).toHaveLength(500);

    const file = join(folder, 'day.ndjson');
    writeFileSync(file, await command('audit'));
    expect(await command('audit', 'verify', file)).toMatch(/entries are as they were written/u);
    const entries = (await command('audit'))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Texts);
    const charges = entries.filter(({ kind }) => kind === 'charge');
    const settled = new Set(
      entries
        .filter(({ kind }) => kind === 'charge' || kind === 'charge_dropped')
        .map(({ recordId }) => recordId),
    );
    const open = entries.filter(
      ({ kind, recordId }) => kind === 'charge_begun' && !settled.has(recordId),
    );

    // The provider and the ledger, by the id of each call.
    const isCheck = (name: string): boolean => name.startsWith('person-');
    const called = group.provider.requestIds.filter(
      (_, at) => at >= warm && isCheck(group.provider.ledger[at] ?? ''),
    );
    const charged = charges
      .filter(({ billing, tenantId }) => billing === 'CHARGED' && tenantId !== 'sandbox')
      .map(({ providerRequestId = '' }) => providerRequestId);
    expect(new Set(charged).size).toBe(charged.length);
    expect(charged.filter((id) => !called.includes(id))).toEqual([]);
    const untold = called.filter((id) => !charged.includes(id));
    const unknown = charges.filter(({ billing }) => billing === 'UNKNOWN').length + open.length;
    expect(untold.length).toBeLessThanOrEqual(unknown);
    // Only the killed replica left calls without an end.
    expect(open.filter(({ tenantId }) => tenantId !== risky)).toEqual([]);
    // Each check was told once, and each was paid for at most once.
    const checked = entries
      .filter(({ kind }) => kind === 'checked')
      .map(({ recordId }) => recordId);
    expect(new Set(checked).size).toBe(checked.length);
    const people = group.provider.ledger.filter(isCheck);
    const unknowns = outcomes.filter((outcome) => outcome === 'OUTCOME_UNKNOWN').length;
    expect(people.length - new Set(people).size).toBeLessThanOrEqual(unknowns);
    expect(unknown).toBeGreaterThanOrEqual(unknowns > 0 ? 1 : 0);

    // `costs` and the metrics.
    const rows = (
      await command('costs', '--by', 'tenant', '--tenant', steady, '--format', 'ndjson')
    )
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Texts);
    const ofSteady = charges.filter(({ tenantId }) => tenantId === steady);
    const count = (billing: string) =>
      ofSteady.filter((charge) => charge['billing'] === billing).length;
    expect(rows).toMatchObject([{ tenant: steady, charged: String(count('CHARGED')) }]);
    const metrics = await Promise.all(
      [0, 1].map(async (at) => (await fetch(`${group.oneOf(at).url}/metrics`)).text()),
    );
    for (const billing of ['CHARGED', 'UNKNOWN', 'NOT_CHARGED']) {
      expect({ billing, count: countIn(metrics, billing) }).toEqual({
        billing,
        count: count(billing),
      });
    }
    expect(count('CHARGED')).toBeGreaterThan(100);
  }, 600_000);
});
