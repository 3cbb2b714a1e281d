import { describe, expect, it } from 'vitest';
import { createRefusalTeller } from '../../src/core/create-refusal-teller.ts';

describe('refusals', () => {
  it('are told once a minute at most, with their number', () => {
    const clock = { ms: 0 };
    const lines: unknown[] = [];
    const tell = createRefusalTeller(
      (name, count) => lines.push([name, count]),
      () => clock.ms,
    );
    const line = (name: string, count: number) => [name, count];
    for (let time = 0; time < 10; time++) tell('a');
    tell('b');
    clock.ms = 59_999;
    tell('a');
    expect(lines).toEqual([line('a', 1), line('b', 1)]);
    clock.ms = 60_000;
    tell('a');
    expect(lines).toEqual([line('a', 1), line('b', 1), line('a', 11)]);
  });
});
