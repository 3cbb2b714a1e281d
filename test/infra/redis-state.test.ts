import { describe, expect, it } from 'vitest';
import { watchRedisState } from '../../src/infra/redis/watch-redis-state.ts';
import type { Log } from '../../src/ports/index.ts';

function watched() {
  const told: unknown[] = [];
  const clock = { ms: 0 };
  const log: Log = { event: (_severity, name, fields) => told.push({ name, ...fields }) };
  return { state: watchRedisState(log, () => clock.ms), told, clock };
}

describe('the state of Redis', () => {
  it('is told once for each change', () => {
    const { state, told } = watched();
    for (let time = 0; time < 3; time++) state.failed('refused');
    for (let time = 0; time < 3; time++) state.works();
    expect(told).toEqual([{ name: 'store_down', reason: 'refused' }, { name: 'store_up' }]);
  });

  it('keeps its reason while it is told again, although commands fail for want of a reply', () => {
    const { state, told, clock } = watched();
    state.failed('timeout');
    for (let time = 0; time < 5; time++) {
      state.failed('tls');
      for (const vague of ['timeout', 'refused'] as const) {
        clock.ms += 1000;
        state.failed(vague);
      }
    }
    clock.ms += 10_000;
    state.failed('refused');
    expect(told).toEqual([
      { name: 'store_down', reason: 'timeout' },
      { name: 'store_down', reason: 'tls' },
      { name: 'store_down', reason: 'refused' },
    ]);
  });

  it('stays down while the server evicts keys, although its commands succeed', () => {
    const { state, told } = watched();
    state.evicts(true);
    for (let time = 0; time < 3; time++) state.works();
    state.failed('refused');
    state.works();
    expect(state.fault()).toBe('evicting');
    state.evicts(false);
    expect(state.fault()).toBeNull();
    expect(told).toEqual([
      { name: 'store_down', reason: 'evicting' },
      { name: 'store_down', reason: 'refused' },
      { name: 'store_down', reason: 'evicting' },
      { name: 'store_up' },
    ]);
  });
});
