import { afterEach, describe, expect, it } from 'vitest';
import type { OutcomeAnswer } from '../../src/contract/index.ts';
import type { CoreDeps } from '../../src/core/core-deps.ts';
import { readVerifications } from '../../src/core/read-verifications.ts';
import { refreshVerification } from '../../src/core/refresh-verification.ts';
import { startVerification } from '../../src/core/start-verification.ts';
import {
  callerOf,
  createTestCore,
  failing,
  passedAnswer,
  type TestCore,
} from '../support/test-core.ts';

// Several replicas beside one store and one provider: what a process knows for itself is its own.

const pending: OutcomeAnswer = { kind: 'pending', chargedAttempts: 0 };
const second = 1000;
let timer: NodeJS.Timeout | undefined;

afterEach(() => clearInterval(timer));

/** From now on the core's clock goes on as fast as the real one. */
function letTimePass({ clock }: TestCore): void {
  let lastMs = performance.now();
  timer = setInterval(() => {
    const nowMs = performance.now();
    clock.ms += nowMs - lastMs;
    lastMs = nowMs;
  }, 5);
}

function replicasOf({ deps }: TestCore, count: number): readonly CoreDeps[] {
  return Array.from({ length: count }, () => ({
    ...deps,
    inFlight: new Map(),
    sharing: new Map(),
    asking: new Map(),
  }));
}

async function begin() {
  const core = createTestCore();
  const input = { idempotencyKey: 'k', channel: 'FACE_WEB' };
  const outcome = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
  if (outcome.kind !== 'success') throw new Error(outcome.problem.code);
  core.clock.ms += 2 * second;
  return { core, id: outcome.verification.id, replicas: replicasOf(core, 3) };
}

const asked = ({ provider }: TestCore) =>
  provider.ledger.filter(({ action }) => action === 'Result').length;

async function read(deps: CoreDeps, id: string) {
  const [record] = await readVerifications(deps, callerOf(), [id], deps.now() + 9000);
  if (!record || record instanceof Error) throw new Error('not readable');
  return record;
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('a pending verification beside several replicas', () => {
  it('is asked about by one of them, and all get that answer', async () => {
    const { core, id, replicas } = await begin();
    core.provider.reply(async () => {
      await tick();
      return passedAnswer;
    });
    const all = await Promise.all(
      Array.from({ length: 60 }, (_, at) => read(replicas[at % 3] ?? core.deps, id)),
    );
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set(['PASSED']));
    expect(asked(core)).toBe(1);
  });

  it('is not asked about again within its second by another one', async () => {
    const { core, id, replicas } = await begin();
    core.provider.reply(() => pending);
    for (const deps of replicas) await read(deps, id);
    expect(asked(core)).toBe(1);
    core.clock.ms += 1.1 * second;
    for (const deps of replicas) await read(deps, id);
    expect(asked(core)).toBe(2);
  });

  it('keeps its last status for all when the provider does not answer, after one question', async () => {
    const { core, id, replicas } = await begin();
    core.provider.reply(() => pending);
    const { lastCheckedAtMs } = await read(core.deps, id);
    core.clock.ms += 2 * second;
    core.provider.reply(async () => {
      await tick();
      return failing('timeout')();
    });
    const all = await Promise.all(replicas.map((deps) => read(deps, id)));
    for (const record of all) expect(record).toMatchObject({ status: 'PENDING', lastCheckedAtMs });
    // And nobody waits for the next question to be allowed.
    const again = await Promise.all(replicas.map((deps) => read(deps, id)));
    for (const record of again) expect(record.lastAskedAtMs).toBe(core.clock.ms);
    expect(asked(core)).toBe(2);
  });

  it('is asked about once more, not a hundred times, for a hundred who have just come back', async () => {
    const { core, id, replicas } = await begin();
    letTimePass(core);
    core.provider.reply(async () => {
      await tick();
      return pending;
    });
    const [stored] = await core.deps.store.records.get([id]);
    if (!stored) throw new Error('gone');
    await Promise.all(
      Array.from({ length: 100 }, () =>
        refreshVerification(core.deps, stored, core.deps.now() + 9000, 'came_back'),
      ),
    );
    expect(asked(core)).toBeLessThanOrEqual(2);
    // Each replica shares among its own; between them it is once per second.
    const beforeMs = core.clock.ms;
    const before = asked(core);
    await Promise.all(
      replicas.map((deps) => refreshVerification(deps, stored, deps.now() + 9000, 'came_back')),
    );
    const seconds = (core.clock.ms - beforeMs) / second;
    expect(asked(core) - before).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
  });

  it('is asked about by another one when the one that asked has died', async () => {
    const { core, id, replicas } = await begin();
    letTimePass(core);
    // Its answer never comes, and nobody is left who would take it.
    core.provider.reply(
      () => new Promise<object>(() => {}),
      () => passedAnswer,
    );
    const [dead, alive] = replicas;
    if (!dead || !alive) throw new Error('no replicas');
    void read({ ...dead, store: { ...dead.store } }, id).catch(() => {});
    await tick();
    core.clock.ms += 16 * second;
    expect(await read(alive, id)).toMatchObject({ status: 'PASSED' });
  });
});
