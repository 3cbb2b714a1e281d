import { describe, expect, it } from 'vitest';
import type { AnyProvider, OutcomeAnswer } from '../../src/contract/index.ts';
import {
  LimiterRefusal,
  StoreUnavailable,
  type LimiterPriority,
  type Store,
  type ServiceEvent,
} from '../../src/ports/index.ts';
import { earlyNotifications } from '../../src/core/verifications/early-notifications.ts';
import { readVerifications } from '../../src/core/verifications/read-verifications.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { followUpVerification } from '../../src/core/verifications/follow-up-verification.ts';
import { probeWith } from '../support/probe-with.ts';
import { storeFault } from '../support/store-fault.ts';
import {
  probe,
  callerOf,
  createTestCore,
  failing,
  passedAnswer,
  type TestCore,
} from '../support/test-core.ts';

// In these tests a launch is open for 600 s, plus 60 s of grace. The provider keeps outcomes for 3 days.

const pending: OutcomeAnswer = { kind: 'pending', chargedAttempts: 0 };
const second = 1000;
const minute = 60 * second;
const hour = 3600 * second;

const ended = (recordId: string, atMs: number): ServiceEvent => ({
  kind: 'verification.ended',
  ...{ recordId, tenantId: callerOf().tenantId, status: 'PASSED', atMs },
});

interface Planned {
  readonly id: string;
  readonly atMs: number;
  readonly sent: number;
}

async function begin(
  changes: {
    readonly definition?: AnyProvider;
    readonly store?: (store: Store) => Store;
    readonly publish?: (event: ServiceEvent) => Promise<void>;
  } = {},
) {
  const planned: Planned[] = [];
  const broughtForward: Planned[] = [];
  const events: ServiceEvent[] = [];
  const core: TestCore = createTestCore({
    definitions: [changes.definition ?? probe],
    ...(changes.store ? { store: changes.store } : {}),
    deps: {
      followUps: {
        plan: async (id, atMs) => {
          planned.push({ id, atMs, sent: core.provider.ledger.length });
        },
        bringForward: async (id, atMs) => {
          broughtForward.push({ id, atMs, sent: core.provider.ledger.length });
        },
      },
      publish: async (event) => {
        await changes.publish?.(event);
        events.push(event);
      },
    },
  });
  const startedMs = core.clock.ms;
  const input = { idempotencyKey: 'k', channel: 'FACE_WEB' };
  const outcome = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
  if (outcome.kind !== 'success') throw new Error(outcome.problem.code);
  const { id } = outcome.verification;
  return {
    core,
    id,
    startedMs,
    planned,
    broughtForward,
    events,
    visit: () => followUpVerification(core.deps, id),
  };
}

const asked = ({ provider }: TestCore) =>
  provider.ledger.filter(({ action }) => action === 'Result').length;

async function statusOf({ deps }: TestCore, id: string) {
  const [record] = await readVerifications(deps, callerOf(), [id], deps.now() + 9000);
  return record instanceof Error ? record : (record?.status ?? null);
}

describe('the follow-up of a verification', () => {
  it('is planned before anything is sent', async () => {
    const { id, planned } = await begin();
    expect(planned).toMatchObject([{ id, sent: 0 }]);
  });

  it('is planned for the end that earlier starts on the channel had', async () => {
    const { core, planned, broughtForward, startedMs } = await begin();
    const input = { idempotencyKey: 'k2', channel: 'FACE_WEB' };
    await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
    expect(planned.map(({ atMs }) => atMs - startedMs)).toEqual([12 * second, 662 * second]);
    expect(broughtForward).toEqual([]);
  });

  it('is brought forward for a start that lives shorter than the earlier ones', async () => {
    const { core, planned, broughtForward, startedMs } = await begin();
    const channel = probe.channels['FACE_WEB'];
    if (!channel) throw new Error('no channel');
    core.deps.shortestLifeMs.set(channel, hour);
    const input = { idempotencyKey: 'k2', channel: 'FACE_WEB' };
    await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
    expect(planned[1]?.atMs).toBe(startedMs + hour + 2 * second);
    expect(broughtForward).toMatchObject([{ id: planned[1]?.id, atMs: startedMs + 662 * second }]);
  });

  it('prevents the start when it cannot be planned', async () => {
    const core = createTestCore({
      deps: {
        followUps: {
          plan: () => Promise.reject(new StoreUnavailable()),
          bringForward: async () => {},
        },
      },
    });
    const input = { idempotencyKey: 'k', channel: 'FACE_WEB' };
    const outcome = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
    expect(outcome).toMatchObject({ problem: { code: 'STORE_UNAVAILABLE', retry: 'SAME_KEY' } });
    expect(core.provider.ledger).toEqual([]);
  });

  it('waits for expiry plus grace before it asks the provider', async () => {
    const { core, startedMs, visit, events, id } = await begin();
    core.provider.reply(() => passedAnswer);
    core.clock.ms += 12 * second;
    expect(await visit()).toBe(startedMs + 660 * second);
    expect(asked(core)).toBe(0);
    core.clock.ms = startedMs + 660 * second;
    expect(await visit()).toBeNull();
    expect(asked(core)).toBe(1);
    expect(events).toEqual([ended(id, core.clock.ms)]);
    expect(await statusOf(core, id)).toBe('PASSED');
    expect(asked(core)).toBe(1);
  });

  it('ends the verification as EXPIRED by a response from after the grace period', async () => {
    const { core, startedMs, visit, events } = await begin();
    core.provider.reply(() => pending);
    core.clock.ms = startedMs + 660 * second;
    expect(await visit()).toBeNull();
    expect(events).toMatchObject([{ status: 'EXPIRED' }]);
  });

  it('asks ever less often while the provider is down, every five minutes in the last hour of its retention, then stops', async () => {
    const { core, startedMs, visit, events } = await begin();
    // A fault that does not open the breaker, so that every query is counted.
    core.provider.reply(failing('busy'));
    const followUps: number[] = [];
    for (let nextMs: number | null = startedMs + 660 * second; nextMs !== null;) {
      core.clock.ms = nextMs;
      followUps.push(core.clock.ms - startedMs);
      nextMs = await visit();
    }
    const forgotten = 72 * hour;
    expect(followUps.slice(0, 4)).toEqual([11, 12, 13, 15].map((at) => at * minute));
    expect(followUps).toContain(forgotten - hour);
    expect(followUps.at(-1)).toBe(forgotten);
    expect(followUps.filter((at) => at < forgotten - hour).length).toBeLessThan(15);
    // In the last hour every five minutes, so that one refusal does not decide.
    expect(followUps.filter((at) => at >= forgotten - hour)).toHaveLength(13);
    // The last follow-up sends no query.
    expect(asked(core)).toBe(followUps.length - 1);
    expect(events).toMatchObject([{ status: 'UNDETERMINED' }]);
  });

  it('gets the outcome in the last hour of retention after the provider was down for days', async () => {
    const { core, startedMs, visit, events } = await begin();
    core.provider.reply(failing('timeout'));
    core.clock.ms = startedMs + 40 * hour;
    expect(await visit()).toBe(startedMs + 71 * hour);
    core.clock.ms = startedMs + 71 * hour;
    core.provider.reply(() => passedAnswer);
    expect(await visit()).toBeNull();
    expect(events).toMatchObject([{ status: 'PASSED' }]);
  });

  it('asks before the retention of the provider ends, however short it is', async () => {
    const keeping = (retentionSeconds: number) =>
      probeWith({ channels: { FACE_WEB: { retentionSeconds } } });
    const long = await begin({ definition: keeping(4500) });
    // The last hour of retention begins after 900 s, when the launch has expired.
    long.core.clock.ms += 12 * second;
    expect(await long.visit()).toBe(long.startedMs + 660 * second);
    const short = await begin({ definition: keeping(4000) });
    short.core.provider.reply(() => passedAnswer);
    short.core.clock.ms += 12 * second;
    expect(await short.visit()).toBe(short.startedMs + 400 * second);
    short.core.clock.ms = short.startedMs + 400 * second;
    expect(await short.visit()).toBeNull();
    expect(short.events).toMatchObject([{ status: 'PASSED' }]);
  });

  it('asks with the lowest priority and a short deadline', async () => {
    const { core, startedMs, id } = await begin();
    const asks: { readonly priority: string; readonly withinMs: number }[] = [];
    const limiter = {
      ...core.deps.limiter,
      turn: async (ask: { readonly priority: LimiterPriority; readonly withinMs: number }) => {
        asks.push(ask);
        throw new LimiterRefusal('no_slot_in_time', 1000);
      },
    };
    core.clock.ms = startedMs + 660 * second;
    await followUpVerification({ ...core.deps, limiter }, id);
    expect(asks).toMatchObject([{ priority: 'reconcile', withinMs: 2000 }]);
  });

  it('reads a notification that came before the start was answered', async () => {
    const channel = {
      outcome: 'NOTIFICATION',
      notification: {
        read: ({ body }: { readonly body: Buffer }) => JSON.parse(body.toString('utf8')),
        reply: { contentType: 'text/plain', body: 'thanks' },
      },
    };
    const definition = probeWith({ channels: { FACE_WEB: channel } });
    const { core, visit, id, events } = await begin({ definition });
    const body = Buffer.from(JSON.stringify(passedAnswer));
    const early = earlyNotifications(core.deps, id);
    // As if the process died after the response of the start and before it looked for notifications.
    await early.keep({
      providerId: 'probe',
      notification: { method: 'POST', query: '', headers: {}, body },
    });
    core.clock.ms += 12 * second;
    expect(await visit()).toBeNull();
    expect(events).toMatchObject([{ status: 'PASSED' }]);
    expect(await early.find()).toEqual([]);
  });

  it('ends the verification as UNDETERMINED without asking when the channel has no outcome', async () => {
    const definition = probeWith({ channels: { FACE_WEB: { outcome: 'NONE' } } });
    const { core, startedMs, visit, events } = await begin({ definition });
    core.clock.ms = startedMs + 660 * second;
    expect(await visit()).toBeNull();
    expect(events).toMatchObject([{ status: 'UNDETERMINED' }]);
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('stops when the record of the verification does not exist', async () => {
    const { core, visit, id } = await begin();
    await core.deps.store.records.remove(id);
    expect(await visit()).toBeNull();
    expect(await followUpVerification(core.deps, 'ver_made-up')).toBeNull();
    expect(asked(core)).toBe(0);
  });

  it('stays planned when the store fails', async () => {
    const fault = storeFault('records', 'get');
    const { visit } = await begin({
      store: fault.store,
    });
    fault.isOn = true;
    await expect(visit()).rejects.toThrow(StoreUnavailable);
  });
});

describe('the event stream', () => {
  it('has one event for each terminal status, whoever found it out, and only ids in it', async () => {
    const { core, id, visit, events } = await begin();
    core.provider.reply(() => passedAnswer);
    core.clock.ms += 2 * second;
    await Promise.all(Array.from({ length: 20 }, () => statusOf(core, id)));
    expect(events).toHaveLength(1);
    await visit();
    await statusOf(core, id);
    expect(events).toEqual([ended(id, core.clock.ms)]);
  });

  it('gets an event later when publishing failed at first', async () => {
    let isDown = true;
    const { core, id, visit, events } = await begin({
      publish: async () => {
        if (isDown) throw new StoreUnavailable();
      },
    });
    core.provider.reply(() => passedAnswer);
    core.clock.ms += 2 * second;
    expect(await statusOf(core, id)).toBe('PASSED');
    expect(events).toEqual([]);
    expect(await visit()).toBe(core.clock.ms + minute);
    isDown = false;
    expect(await visit()).toBeNull();
    expect(events).toMatchObject([{ recordId: id, status: 'PASSED' }]);
    expect(await visit()).toBeNull();
    expect(events).toHaveLength(1);
  });
});
