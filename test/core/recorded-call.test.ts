import { describe, expect, it } from 'vitest';
import { addCalls, readCalls, type RecordedCall } from '../../src/core/records/recorded-call.ts';

const call = (atMs: number): RecordedCall => ({
  ...{ action: 'GetEidResult', atMs, requestId: `request-${atMs}` },
  ...{ outcome: 'ok', billing: 'NOT_CHARGED' },
});

describe('the calls of a record', () => {
  it('are the first one, which started it, and the newest 19 others', () => {
    let lines = '';
    for (let atMs = 0; atMs < 50; atMs++) lines = addCalls(lines, [call(atMs)]);
    const kept = [0, ...Array.from({ length: 19 }, (_, at) => 31 + at)];
    expect(readCalls(lines)).toEqual(kept.map(call));
  });

  it('are all of them, up to 20', () => {
    const made = Array.from({ length: 20 }, (_, at) => call(at));
    expect(readCalls(addCalls('', made))).toEqual(made);
  });
});
