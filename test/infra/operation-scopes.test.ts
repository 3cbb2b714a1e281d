import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createOperationScopes } from '../../src/infra/operation-scopes.ts';

const nobody = { requestId: null, traceId: null, tenant: null };

describe('operations', () => {
  it('are known through awaits, and apart from each other', async () => {
    const scopes = createOperationScopes();
    const seen = async (tenant: string) => {
      const ids = new Set<string | undefined>();
      await scopes.run({ ...nobody, tenant }, async () => {
        scopes.concerns(`ver_${tenant}`);
        for (let turn = 0; turn < 3; turn++) {
          ids.add(scopes.current()?.operation);
          await new Promise((resolve) => setImmediate(resolve));
        }
        expect(scopes.current()).toMatchObject({ tenant, record: `ver_${tenant}` });
      });
      return [...ids];
    };
    const [[one, ...more], [other]] = await Promise.all([seen('a'), seen('b')]);
    expect(one).toMatch(/^op_[\w-]{22}$/u);
    expect(more).toEqual([]);
    expect(other).not.toBe(one);
    expect(scopes.current()).toBeUndefined();
  });
});

describe('the waits of an operation', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('count once while they overlap, and until now while they last', () => {
    const scopes = createOperationScopes();
    scopes.run(nobody, () => {
      const { queue, store } = scopes.current()?.waits ?? {};
      store?.begin();
      vi.advanceTimersByTime(10);
      store?.begin();
      vi.advanceTimersByTime(10);
      store?.end();
      vi.advanceTimersByTime(5);
      expect(store?.totalMs()).toBe(25);
      store?.end();
      vi.advanceTimersByTime(100);
      store?.begin();
      vi.advanceTimersByTime(1);
      store?.end();
      expect(store?.totalMs()).toBe(26);
      expect(queue?.totalMs()).toBe(0);
    });
  });
});
