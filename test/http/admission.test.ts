import { describe, expect, it } from 'vitest';
import { createAdmission, type Admitted } from '../../src/http/admission.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function begin() {
  const clock = { ms: 0 };
  const admission = createAdmission({ nowMs: () => clock.ms });
  const entered: [number, Admitted][] = [];
  const leaves: (() => void)[] = [];
  const enter = (id: number): void => {
    void (async () => {
      const { as, leave } = await admission.enter();
      entered.push([id, as]);
      leaves.push(leave);
    })();
  };
  return { clock, enter, entered, leaves };
}

describe('admission of requests', () => {
  it('admits a few at once when no other request waits', async () => {
    const { enter, entered } = begin();
    for (let id = 0; id < 6; id++) enter(id);
    await Promise.resolve();
    await Promise.resolve();
    expect(entered).toEqual([0, 1, 2, 3].map((id) => [id, 'in_time']));
  });

  it('admits four at each turn of the event loop, in order', async () => {
    const { enter, entered } = begin();
    for (let id = 0; id < 60; id++) enter(id);
    for (let turns = 1; turns <= 10; turns++) {
      await turn();
      expect(entered.length).toBeLessThanOrEqual(4 * (turns + 2));
    }
    while (entered.length < 60) await turn();
    expect(entered).toEqual(Array.from({ length: 60 }, (_, id) => [id, 'in_time']));
  });

  it('admits a request as late after two seconds, and sheds it after five', async () => {
    const { clock, enter, entered } = begin();
    for (let id = 0; id < 9; id++) enter(id);
    clock.ms += 2001;
    while (entered.length < 8) await turn();
    clock.ms += 3000;
    while (entered.length < 9) await turn();
    expect(entered).toEqual([
      ...[0, 1, 2, 3].map((id) => [id, 'in_time']),
      ...[4, 5, 6, 7].map((id) => [id, 'late']),
      [8, 'shed'],
    ]);
  });

  it('admits the newest first once the oldest are late, and a late one now and then', async () => {
    const { clock, enter, entered } = begin();
    for (let id = 0; id < 30; id++) enter(id);
    clock.ms += 2001;
    for (let id = 100; id < 120; id++) enter(id);
    while (entered.length < 16) await turn();
    const inTime = entered.filter(([, as]) => as === 'in_time').map(([id]) => id);
    const late = entered.filter(([, as]) => as === 'late').map(([id]) => id);
    expect(inTime.length).toBeGreaterThan(late.length * 2);
    expect(inTime.slice(4)).toEqual(inTime.slice(4).toSorted((a, b) => b - a));
    expect(late.length).toBeGreaterThan(0);
    expect(late).toEqual(late.toSorted((a, b) => a - b));
  });

  it('refuses requests that waited too long and those over the queue limit', async () => {
    const { clock, enter, entered } = begin();
    for (let id = 0; id < 5100; id++) enter(id);
    await Promise.resolve();
    await turn();
    expect(entered.filter(([, as]) => as === 'refused').length).toBeGreaterThan(90);
    clock.ms += 6501;
    const before = entered.length;
    while (entered.length < 5100) await turn();
    expect(new Set(entered.slice(before).map(([, as]) => as))).toEqual(new Set(['refused']));
  });

  it('limits the number of admitted requests that are not done', async () => {
    const { clock, enter, entered, leaves } = begin();
    for (let id = 0; id < 100; id++) enter(id);
    while (entered.length < 64) await turn();
    for (let turns = 0; turns < 20; turns++) await turn();
    expect(entered).toHaveLength(64);
    // An answered request leaves its place at once. A waiting one holds it for a limited time.
    for (const leave of leaves.slice(0, 10)) leave();
    while (entered.length < 74) await turn();
    clock.ms += 201;
    while (entered.length < 100) await turn();
  });
});
