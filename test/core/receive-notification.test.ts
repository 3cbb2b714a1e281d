import { describe, expect, it } from 'vitest';
import type {
  AnyProvider,
  Notification,
  OutcomeAnswer,
  OutcomeSource,
} from '../../src/contract/index.ts';
import { readVerifications } from '../../src/core/verifications/read-verifications.ts';
import { receiveNotification } from '../../src/core/verifications/receive-notification.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { probeWith } from '../support/probe-with.ts';
import { storeFault } from '../support/store-fault.ts';
import { storeHook } from '../support/store-hook.ts';
import { callerOf, createTestCore, passedAnswer, type TestCore } from '../support/test-core.ts';
import { until } from '../support/until.ts';
import { kept } from '../support/kept.ts';

const second = 1000;
const reply = { contentType: 'text/plain', body: 'thanks' };
const failed = {
  ...passedAnswer,
  result: { ...passedAnswer.result, status: 'FAILED', reason: 'FACE_MISMATCH' },
} as const satisfies OutcomeAnswer;

/** A provider whose notifications are outcomes, or say nothing. */
function notifying(outcome: OutcomeSource): AnyProvider {
  return probeWith({
    channels: {
      FACE_WEB: {
        outcome: () => outcome,
        notification: {
          read: ({ body }: Notification) => JSON.parse(body.toString('utf8')) as OutcomeAnswer,
          reply,
        },
      },
    },
  });
}

async function begin(
  outcome: OutcomeSource = 'NOTIFICATION',
  changes: Parameters<typeof createTestCore>[0] = {},
) {
  const core = createTestCore({
    definitions: [notifying(outcome), { ...notifying(outcome), id: 'other' }],
    ...changes,
  });
  const input = { idempotencyKey: 'k', channel: 'FACE_WEB', provider: 'probe' };
  const started = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
  if (started.kind !== 'success') throw new Error(started.problem.code);
  return { core, id: started.verification.id, capability: capabilityOf(core) };
}

/** The last part of a URL that the provider was given. */
function capabilityOf({ provider }: TestCore, name = 'notifyUrl'): string {
  const urls = provider.ledger[0]?.body as Readonly<Record<string, string>> | undefined;
  return urls?.[name]?.split('/').at(-1) ?? '';
}

function notify(core: TestCore, capability: string, answer: unknown, provider = 'probe') {
  const body = Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer));
  return receiveNotification(core.deps, provider, capability, {
    method: 'POST',
    query: '',
    headers: {},
    body,
  });
}

async function statusOf({ deps }: TestCore, id: string) {
  const [record] = await readVerifications(deps, callerOf(), [id], deps.now() + 9000);
  return record instanceof Error || !record
    ? null
    : { status: record.status, evidence: record.outcome?.evidence ?? null };
}

describe('a notification', () => {
  it('sets the outcome of a channel without queries, with evidence NOTIFIED', async () => {
    const { core, id, capability } = await begin();
    expect(await notify(core, capability, passedAnswer)).toEqual({ kind: 'received', reply });
    expect(await statusOf(core, id)).toEqual({ status: 'PASSED', evidence: 'NOTIFIED' });
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('never changes a terminal status, in whatever number and order it comes', async () => {
    const { core, id, capability } = await begin();
    const all = [failed, ...Array.from({ length: 99 }, () => passedAnswer)];
    const receipts = await Promise.all(all.map((answer) => notify(core, capability, answer)));
    expect(receipts.every(({ kind }) => kind === 'received')).toBe(true);
    expect(await statusOf(core, id)).toEqual({ status: 'FAILED', evidence: 'NOTIFIED' });
  });

  it('only triggers a query when the provider can be queried, and is not trusted', async () => {
    const { core, id, capability } = await begin('QUERY');
    core.provider.reply(() => failed);
    core.clock.ms += 2 * second;
    await notify(core, capability, passedAnswer);
    expect(
      await until(async () => {
        const now = await statusOf(core, id);
        return now?.status === 'PENDING' ? null : now;
      }),
    ).toEqual({ status: 'FAILED', evidence: 'QUERIED' });
  });

  it('triggers a query whatever it says, except for a GET without a query string', async () => {
    const { core, capability } = await begin('QUERY');
    core.provider.reply(() => ({ kind: 'pending', chargedAttempts: 0 }));
    core.clock.ms += 2 * second;
    const visit = { method: 'GET', query: '', headers: {}, body: Buffer.alloc(0) } as const;
    await receiveNotification(core.deps, 'probe', capability, visit);
    expect(core.provider.ledger).toHaveLength(1);
    await notify(core, capability, '<html>');
    await until(async () => core.provider.ledger.length === 2);
  });

  it('sets the outcome when another writer changes the record at the same time', async () => {
    const hook = storeHook('records', 'replace');
    const { core, id, capability } = await begin('NOTIFICATION', {
      store: hook.store,
    });
    // Another writer changes the record once, between reading and writing it.
    hook.once = async () => {
      const [current] = await core.deps.store.records.get([id]);
      if (current) await core.deps.store.records.replace(current, ...kept(current.body));
    };
    await notify(core, capability, passedAnswer);
    expect(await statusOf(core, id)).toEqual({ status: 'PASSED', evidence: 'NOTIFIED' });
  });

  it('is ignored on a channel without an outcome', async () => {
    const { core, id, capability } = await begin('NONE');
    expect(await notify(core, capability, passedAnswer)).toMatchObject({ kind: 'received' });
    expect(await statusOf(core, id)).toMatchObject({ status: 'PENDING' });
  });

  it('is rejected for the capability of another purpose, another provider or none', async () => {
    const { core, id, capability } = await begin();
    const returning = capabilityOf(core, 'returnUrl');
    for (const [given, provider] of [
      [returning, 'probe'],
      [capability, 'other'],
      [capability, 'unregistered'],
      [`${capability}A`, 'probe'],
      ['', 'probe'],
    ] as const) {
      expect(await notify(core, given, passedAnswer, provider)).toEqual({ kind: 'unknown' });
    }
    core.clock.ms += (3 * 24 * 3600 + 1) * second;
    expect(await notify(core, capability, passedAnswer)).toEqual({ kind: 'unknown' });
    core.clock.ms -= (3 * 24 * 3600 + 1) * second;
    expect(await statusOf(core, id)).toMatchObject({ status: 'PENDING' });
  });

  it('that is unreadable changes nothing', async () => {
    const { core, id, capability } = await begin();
    expect(await notify(core, capability, '<html>')).toMatchObject({ kind: 'received' });
    expect(await notify(core, capability, 'null')).toMatchObject({ kind: 'received' });
    expect(await statusOf(core, id)).toMatchObject({ status: 'PENDING' });
  });

  it('gets a try-later reply when the store is down', async () => {
    const fault = storeFault('records', 'get');
    const { core, id, capability } = await begin('NOTIFICATION', {
      store: fault.store,
    });
    fault.isOn = true;
    expect(await notify(core, capability, passedAnswer)).toEqual({ kind: 'try_later' });
    fault.isOn = false;
    expect(await statusOf(core, id)).toMatchObject({ status: 'PENDING' });
    expect(await notify(core, capability, passedAnswer)).toMatchObject({ kind: 'received' });
  });

  it('that comes before the start was answered is kept and applied then', async () => {
    const core = createTestCore({ definitions: [notifying('NOTIFICATION')] });
    core.provider.reply(async () => {
      expect(await notify(core, capabilityOf(core), passedAnswer)).toMatchObject({ reply });
      return {};
    });
    const input = { idempotencyKey: 'k', channel: 'FACE_WEB' };
    const started = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
    expect(started).toMatchObject({ verification: { status: 'PASSED' } });
  });

  it('that comes early is not displaced by later ones without content', async () => {
    const core = createTestCore({ definitions: [notifying('NOTIFICATION')] });
    core.provider.reply(async () => {
      const capability = capabilityOf(core);
      await notify(core, capability, '<html>');
      await Promise.all([
        notify(core, capability, passedAnswer),
        notify(core, capability, 'null'),
        receiveNotification(core.deps, 'probe', capability, {
          ...{ method: 'GET', query: '', headers: {}, body: Buffer.alloc(0) },
        }),
      ]);
      return {};
    });
    const input = { idempotencyKey: 'k', channel: 'FACE_WEB' };
    const started = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
    expect(started).toMatchObject({ verification: { status: 'PASSED' } });
  });

  it('triggers a query even when another one was sent a moment ago', async () => {
    const { core, id, capability } = await begin('QUERY');
    core.provider.reply(
      () => ({ kind: 'pending', chargedAttempts: 0 }),
      () => failed,
    );
    core.clock.ms += 2 * second;
    await statusOf(core, id);
    core.clock.ms += 0.5 * second;
    await notify(core, capability, passedAnswer);
    core.clock.ms += 0.6 * second;
    expect(await until(async () => core.provider.ledger.length === 3)).toBe(true);
  });

  it('that comes while the start is being stored is applied', async () => {
    // The notification finds the placeholder. Then the start looks for notifications too early, and is stored.
    let onLook: (() => Promise<unknown>) | null = null;
    const core = createTestCore({
      definitions: [notifying('NOTIFICATION')],
      store: (store) => ({
        ...store,
        cache: {
          ...store.cache,
          get: async (key) => {
            const found = await store.cache.get(key);
            const look = onLook;
            onLook = null;
            await look?.();
            return found;
          },
        },
      }),
    });
    let deliver: (() => void) | null = null;
    const delivered = new Promise<void>((resolve) => {
      deliver = resolve;
    });
    let receipt: Promise<unknown> = Promise.resolve();
    core.provider.reply(() => {
      const { records } = core.deps.store;
      // Reads while there is only a placeholder, and continues after the start has looked.
      const slow = {
        ...core.deps,
        store: {
          ...core.deps.store,
          cache: {
            ...core.deps.store.cache,
            set: async (...given: Parameters<typeof core.deps.store.cache.set>) => {
              await delivered;
              return core.deps.store.cache.set(...given);
            },
          },
          records,
        },
      };
      receipt = receiveNotification(slow, 'probe', capabilityOf(core), {
        method: 'POST',
        query: '',
        headers: {},
        body: Buffer.from(JSON.stringify(passedAnswer)),
      });
      onLook = async () => deliver?.();
      return {};
    });
    const input = { idempotencyKey: 'k', channel: 'FACE_WEB' };
    const started = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
    if (started.kind !== 'success') throw new Error(started.problem.code);
    expect(await receipt).toMatchObject({ kind: 'received' });
    expect(await statusOf(core, started.verification.id)).toMatchObject({ status: 'PASSED' });
  });
});

describe('a channel that cannot be queried', () => {
  it.each<OutcomeSource>(['NOTIFICATION', 'NONE'])(
    'ends UNDETERMINED after expiry under %s, without a query',
    async (outcome) => {
      const { core, id } = await begin(outcome);
      core.clock.ms += (600 + 59) * second;
      expect(await statusOf(core, id)).toEqual({ status: 'PENDING', evidence: null });
      core.clock.ms += 2 * second;
      expect(await statusOf(core, id)).toMatchObject({ status: 'UNDETERMINED' });
      expect(core.provider.ledger).toHaveLength(1);
    },
  );
});
