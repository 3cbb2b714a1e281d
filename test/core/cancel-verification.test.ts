import { describe, expect, it } from 'vitest';
import type { OutcomeAnswer } from '../../src/contract/index.ts';
import { AccessDenied } from '../../src/core/callers/caller.ts';
import { cancelVerification } from '../../src/core/verifications/cancel-verification.ts';
import { readVerifications } from '../../src/core/verifications/read-verifications.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import type { ServiceEvent } from '../../src/ports/index.ts';
import { followUpVerification } from '../../src/core/verifications/follow-up-verification.ts';
import { receiveNotification } from '../../src/core/verifications/receive-notification.ts';
import { redactVerification } from '../../src/core/redaction/redact-verification.ts';
import { probeWith } from '../support/probe-with.ts';
import { callerOf, createTestCore, passedAnswer } from '../support/test-core.ts';

const pending: OutcomeAnswer = { kind: 'pending', chargedAttempts: 0 };

async function begin(changes: Parameters<typeof createTestCore>[0] = {}) {
  const events: ServiceEvent[] = [];
  const core = createTestCore({
    ...changes,
    deps: {
      publish: async (event) => {
        events.push(event);
      },
    },
  });
  core.provider.reply(() => pending);
  const start = async (idempotencyKey: string) => {
    const input = { idempotencyKey, channel: 'FACE_WEB' };
    const outcome = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
    if (outcome.kind !== 'success') throw new Error(outcome.problem.code);
    return outcome.verification;
  };
  const cancel = (id: string, caller = callerOf()) =>
    cancelVerification(core.deps, caller, id, core.deps.now() + 9000);
  const { id } = await start('k');
  core.clock.ms += 2000;
  const read = async () =>
    (await readVerifications(core.deps, callerOf(), [id], core.deps.now() + 9000))[0];
  const followUp = () => followUpVerification(core.deps, id);
  /** What the ledger says about outcomes that came too late. */
  const late = () => core.entries.filter(({ kind }) => kind === 'outcome_after_cancel');
  return { core, id, events, late, start, cancel, read, followUp };
}

const asked = ({ provider }: ReturnType<typeof createTestCore>) =>
  provider.ledger.filter(({ action }) => action === 'Result').length;

describe('cancelling a verification', () => {
  it('ends a pending one, so that another start is a new verification', async () => {
    const { core, id, events, start, cancel } = await begin();
    expect(await cancel(id)).toMatchObject({
      kind: 'success',
      verification: {
        status: 'CANCELLED',
        launch: null,
        outcome: { reason: 'USER_CANCELLED', billing: 'UNKNOWN', evidence: null },
      },
    });
    expect(asked(core)).toBe(1);
    expect(events).toMatchObject([
      { kind: 'verification.ended', recordId: id, status: 'CANCELLED' },
    ]);
    const again = await start('k2');
    expect(again.id).not.toBe(id);
    expect(again).toMatchObject({ status: 'PENDING', launch: { kind: 'redirect' } });
  });

  it('gives the outcome that the provider already has', async () => {
    const { core, id, events, cancel } = await begin();
    core.provider.reply(() => passedAnswer);
    expect(await cancel(id)).toMatchObject({ verification: { status: 'PASSED' } });
    expect(events).toMatchObject([{ status: 'PASSED' }]);
  });

  it('happens although the provider does not answer', async () => {
    const { core, id, cancel } = await begin();
    core.provider.reply(() => Promise.reject(new Error('away')));
    expect(await cancel(id)).toMatchObject({ verification: { status: 'CANCELLED' } });
  });

  it('is final: an outcome that comes later changes nothing', async () => {
    const { core, id, events, cancel, read } = await begin();
    await cancel(id);
    core.provider.reply(() => passedAnswer);
    core.clock.ms += 60_000;
    expect(await read()).toMatchObject({ status: 'CANCELLED' });
    expect(asked(core)).toBe(1);
    expect(await cancel(id)).toMatchObject({ verification: { status: 'CANCELLED' } });
    expect(events).toHaveLength(1);
  });

  it('leaves an ended one as it is', async () => {
    const { core, id, cancel, read } = await begin();
    core.provider.reply(() => passedAnswer);
    await read();
    expect(await cancel(id)).toMatchObject({ verification: { status: 'PASSED' } });
  });

  it('is for the caller who started it and for its user only', async () => {
    const { core, id, cancel, read } = await begin();
    const notFound = { kind: 'problem', problem: { code: 'NOT_FOUND' } };
    for (const other of [
      { ...callerOf(), userId: 'somebody-else' },
      { ...callerOf(), tenantId: 'another-tenant' },
    ]) {
      expect(await cancel(id, other)).toMatchObject(notFound);
    }
    expect(await cancel('ver_AAAAAAAAAAAAAAAAAAAAAA')).toMatchObject(notFound);
    expect(await cancel('made-up')).toMatchObject(notFound);
    const reader = { ...callerOf(), scopes: new Set(['verification:read'] as const) };
    await expect(cancel(id, reader)).rejects.toThrow(AccessDenied);
    expect(asked(core)).toBe(0);
    core.clock.ms += 2000;
    expect(await read()).toMatchObject({ status: 'PENDING' });
  });

  it('by two requests at once ends it once', async () => {
    const { id, events, cancel } = await begin();
    const both = await Promise.all([cancel(id), cancel(id)]);
    for (const one of both) expect(one).toMatchObject({ verification: { status: 'CANCELLED' } });
    expect(new Set(events.map(({ status }) => status))).toEqual(new Set(['CANCELLED']));
  });
});

/** The end of the launch, and the grace period after it. */
const launchEndsMs = 662_000;

describe('an outcome that comes after a cancellation', () => {
  it('is asked for once, when the person can no longer go on, and kept in the ledger', async () => {
    const { core, id, events, late, cancel, read, followUp } = await begin();
    await cancel(id);
    core.provider.reply(() => passedAnswer);
    expect(await followUp()).toBeGreaterThan(core.clock.ms);
    expect(asked(core)).toBe(1);
    core.clock.ms += launchEndsMs;
    expect(await followUp()).toBeNull();
    expect(asked(core)).toBe(2);
    expect(late()).toMatchObject([
      {
        tenantId: callerOf().tenantId,
        recordId: id,
        providerId: 'probe',
        channel: 'FACE_WEB',
        status: 'PASSED',
        billing: passedAnswer.result.billing,
        chargedAttempts: passedAnswer.result.chargedAttempts,
        evidence: 'QUERIED',
        atMs: core.clock.ms,
      },
    ]);
    expect(await read()).toMatchObject({ status: 'CANCELLED', session: null });
    expect(await followUp()).toBeNull();
    expect(asked(core)).toBe(2);
    expect(events).toMatchObject([{ status: 'CANCELLED' }]);
  });

  it('is asked for again while the provider does not answer, until it has forgotten the outcome', async () => {
    const { core, id, late, cancel, followUp } = await begin();
    await cancel(id);
    core.provider.reply(() => Promise.reject(new Error('away')));
    core.clock.ms += launchEndsMs;
    let nextMs = await followUp();
    expect(nextMs).toBeGreaterThan(core.clock.ms);
    let visits = 1;
    while (nextMs !== null && visits < 100) {
      core.clock.ms = nextMs;
      nextMs = await followUp();
      visits += 1;
    }
    expect(nextMs).toBeNull();
    expect(late()).toEqual([]);
  });

  it('is kept if it was on its way during the cancellation', async () => {
    const { core, id, late, read } = await begin();
    let answer = (_answer: OutcomeAnswer): void => {};
    const arrives = new Promise<OutcomeAnswer>((resolve) => (answer = resolve));
    core.provider.reply(
      () => arrives,
      () => pending,
    );
    const reading = read();
    const cancelling = cancelVerification(core.deps, callerOf(), id, core.deps.now());
    expect(await cancelling).toMatchObject({ verification: { status: 'CANCELLED' } });
    answer(passedAnswer);
    expect(await reading).toMatchObject({ status: 'CANCELLED' });
    expect(late()).toMatchObject([{ recordId: id, status: 'PASSED' }]);
  });

  it('is kept if the provider notifies it', async () => {
    const notification = {
      read: ({ body }: { readonly body: Buffer }) =>
        JSON.parse(body.toString('utf8')) as OutcomeAnswer,
      reply: { contentType: 'text/plain', body: 'thanks' },
    };
    const channel = { outcome: () => 'NOTIFICATION' as const, notification };
    const { core, id, late, cancel, read, followUp } = await begin({
      definitions: [probeWith({ channels: { FACE_WEB: channel } })],
    });
    await cancel(id);
    expect(await followUp()).toBeNull();
    const urls = core.provider.ledger[0]?.body as Readonly<Record<string, string>>;
    const capability = urls['notifyUrl']?.split('/').at(-1) ?? '';
    const body = Buffer.from(JSON.stringify(passedAnswer));
    const told = { method: 'POST' as const, query: '', headers: {}, body };
    for (let time = 0; time < 2; time++) {
      expect(await receiveNotification(core.deps, 'probe', capability, told)).toMatchObject({
        kind: 'received',
      });
    }
    expect(late()).toMatchObject([{ recordId: id, status: 'PASSED', evidence: 'NOTIFIED' }]);
    expect(await read()).toMatchObject({ status: 'CANCELLED' });
  });

  it('is not asked for after a redaction', async () => {
    const { core, id, late, cancel, followUp } = await begin();
    await cancel(id);
    const scopes = new Set(['verification:redact'] as const);
    await redactVerification(core.deps, { ...callerOf(), scopes }, id);
    core.provider.reply(() => passedAnswer);
    core.clock.ms += launchEndsMs;
    expect(await followUp()).toBeNull();
    expect(asked(core)).toBe(1);
    expect(late()).toEqual([]);
  });
});
