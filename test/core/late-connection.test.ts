import { expect, it } from 'vitest';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { createBottleneckLimiter } from '../../src/infra/bottleneck-limiter.ts';
import { createMemoryPacer } from '../../src/infra/memory/memory-pacer.ts';
import { until } from '../support/until.ts';
import { callerOf, createTestCore } from '../support/test-core.ts';

it('a connection that is open only after its call has ended is released', async () => {
  const clock = { now: () => performance.timeOrigin + performance.now(), guardMs: 20 };
  const opened: (() => void)[] = [];
  let released = 0;
  const core = createTestCore({
    limiter: createBottleneckLimiter({ ...clock, pacer: createMemoryPacer(clock) }),
    deps: {
      connectUpstream: async () => {
        await new Promise<void>((resolve) => opened.push(resolve));
        return { release: () => void (released += 1) };
      },
    },
  });
  const input = { idempotencyKey: 'k', channel: 'FACE_WEB' };
  const outcome = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
  expect(outcome).toMatchObject({ problem: { code: 'RATE_LIMITED' } });
  expect(released).toBe(0);
  for (const open of opened) open();
  await until(async () => released === opened.length);
});
