import { describe, expect, it } from 'vitest';
import type { Log } from '../../src/ports/index.ts';
import { createRefusalTeller } from '../../src/http/tell-refusals.ts';

describe('refused notifications', () => {
  it('are logged once a minute at most, with their number', () => {
    const clock = { ms: 0 };
    const lines: unknown[] = [];
    const log: Log = { event: (level, name, fields) => lines.push([level, name, fields]) };
    const tell = createRefusalTeller({ log }, () => clock.ms);
    const line = (provider: string, count: number) => [
      ...['warn', 'notifications_refused', { provider, count }],
    ];
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
