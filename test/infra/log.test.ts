import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/contract/index.ts';
import type { LogEvents } from '../../src/ports/index.ts';
import { logBug } from '../../src/core/log-bug.ts';
import { createLog } from '../../src/infra/log.ts';

function logOf(use: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  use(createLog('trace', destination));
  return lines.join('');
}

describe('the log', () => {
  it('drops every field that its event does not declare', () => {
    const given = {
      provider: 'probe',
      action: 'Start',
      outcome: 'ok',
      durationMs: 1,
      request: { body: 'CANARY' },
      CANARY: 'CANARY',
    } as LogEvents['upstream_call'];
    const text = logOf((log) => log.event('info', 'upstream_call', given));
    expect(text).toContain('"provider":"probe"');
    expect(text).not.toContain('CANARY');
  });

  it('names the type and place of a bug, without its message', () => {
    const bug = new TypeError('CANARY\n    at CANARY (input:1:2)');
    const text = logOf((log) => logBug(log, 'here', bug));
    expect(text).toContain('TypeError');
    expect(text).toContain('log.test.ts');
    expect(text).not.toContain('CANARY');
  });

  it('hides the value of a Secret', () => {
    const secret = new Secret('CANARY');
    const shown = [String(secret), JSON.stringify({ secret }), secret.toString()].join();
    expect(shown).not.toContain('CANARY');
    expect(secret.reveal()).toBe('CANARY');
  });
});
