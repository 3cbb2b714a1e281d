import { describe, expect, it } from 'vitest';
import type { OutcomeAnswer } from '../../src/contract/index.ts';
import { AccessDenied } from '../../src/core/callers/caller.ts';
import { cancelVerification } from '../../src/core/verifications/cancel-verification.ts';
import { readVerifications } from '../../src/core/verifications/read-verifications.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import type { VerificationEvent } from '../../src/ports/index.ts';
import { callerOf, createTestCore, passedAnswer } from '../support/test-core.ts';

const pending: OutcomeAnswer = { kind: 'pending', chargedAttempts: 0 };

async function begin() {
  const events: VerificationEvent[] = [];
  const core = createTestCore({
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
  return { core, id, events, start, cancel, read };
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
        session: null,
        outcome: { reason: 'USER_CANCELLED', billing: 'UNKNOWN', evidence: null },
      },
    });
    expect(asked(core)).toBe(1);
    expect(events).toMatchObject([{ verificationId: id, status: 'CANCELLED' }]);
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
