import { describe, expect, it } from 'vitest';
import type { OutcomeAnswer } from '../../src/contract/index.ts';
import {
  startVerification,
  type StartVerificationInput,
} from '../../src/core/verifications/start-verification.ts';
import { probeWith } from '../support/probe-with.ts';
import { callerOf, createTestCore, passedAnswer } from '../support/test-core.ts';

const second = 1000;
const pending: OutcomeAnswer = { kind: 'pending', chargedAttempts: 0 };

/** Launches last 600 s here, and are reused until 120 s before their end. */
function reusing(reuse: { marginSeconds: number } | undefined = { marginSeconds: 120 }) {
  const definition = probeWith({ channels: { FACE_WEB: reuse ? { reuse } : {} } });
  const core = createTestCore({ definitions: [definition] });
  core.provider.reply(() => pending);
  return core;
}

async function start(
  { deps }: ReturnType<typeof createTestCore>,
  idempotencyKey: string,
  changes: Partial<StartVerificationInput> = {},
  caller = callerOf(),
) {
  const input = { idempotencyKey, channel: 'FACE_WEB', ...changes };
  const outcome = await startVerification(deps, caller, input, deps.now() + 9000);
  if (outcome.kind !== 'success') throw new Error(outcome.problem.code);
  return outcome;
}

const starts = ({ provider }: ReturnType<typeof createTestCore>) =>
  provider.ledger.filter(({ action }) => action === 'Start').length;

describe('an open launch', () => {
  it('is reused under a new key, and that key replays it', async () => {
    const core = reusing();
    const first = await start(core, 'one');
    core.clock.ms += 10 * second;
    const again = await start(core, 'two');
    expect(first).toMatchObject({ reused: false, replayed: false });
    expect(again).toMatchObject({
      reused: true,
      replayed: false,
      verification: { id: first.verification.id, launch: first.verification.launch },
    });
    expect(await start(core, 'two')).toMatchObject({
      reused: true,
      replayed: true,
      verification: { id: first.verification.id },
    });
    expect(starts(core)).toBe(1);
  });

  it('is not reused near its expiry', async () => {
    const core = reusing();
    const first = await start(core, 'one');
    core.clock.ms += 479 * second;
    expect(await start(core, 'two')).toMatchObject({ reused: true });
    core.clock.ms += 2 * second;
    const other = await start(core, 'three');
    expect(other.reused).toBe(false);
    expect(other.verification.id).not.toBe(first.verification.id);
  });

  it('is not reused when its verification has ended', async () => {
    const core = reusing();
    await start(core, 'one');
    core.clock.ms += 10 * second;
    core.provider.reply(() => passedAnswer);
    expect(await start(core, 'two')).toMatchObject({ reused: false });
    expect(starts(core)).toBe(2);
  });

  it('is not reused when its URL was used up', async () => {
    const core = reusing();
    await start(core, 'one');
    core.clock.ms += 10 * second;
    core.provider.reply(() => ({ ...pending, launchUsed: true }));
    expect(await start(core, 'two')).toMatchObject({ reused: false });
  });

  it.each<[string, Partial<StartVerificationInput>, ReturnType<typeof callerOf>]>([
    ['user', {}, callerOf('user-2')],
    ['tenant', {}, callerOf('user-1', 'tenant-2')],
    ['subject', { subject: { name: '陈近南' } }, callerOf()],
    ['redirectUrl', { redirectUrl: 'https://app.example/other' }, callerOf()],
    ['reference', { extra: 'other' }, callerOf()],
  ])('is not reused for another %s', async (_name, changes, caller) => {
    const core = reusing();
    await start(core, 'one');
    core.clock.ms += 10 * second;
    expect(await start(core, 'two', changes, caller)).toMatchObject({ reused: false });
    expect(starts(core)).toBe(2);
  });

  it('is not reused for another caller of the same user', async () => {
    const core = reusing();
    await start(core, 'one');
    core.clock.ms += 10 * second;
    const backend = callerOf('backend', 'tenant-1', ['verification:any-user']);
    expect(await start(core, 'two', { userId: 'user-1' }, backend)).toMatchObject({
      reused: false,
    });
  });

  it('is not reused when the provider’s URLs work once', async () => {
    const core = createTestCore();
    core.provider.reply(() => pending);
    await start(core, 'one');
    core.clock.ms += 10 * second;
    expect(await start(core, 'two')).toMatchObject({ reused: false });
  });
});
