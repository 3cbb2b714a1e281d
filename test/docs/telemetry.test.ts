import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loggedFields } from '../../src/infra/log.ts';
import { createMetrics } from '../../src/infra/metrics.ts';

// docs/logs.md and docs/metrics.md describe every event and every metric, and no other.

const read = (name: string) =>
  readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8').split('\n');

/** The cells of the table rows that begin with a word in backticks that the pattern accepts. */
function rowsOf(page: string, first: RegExp): Map<string, string[]> {
  const rows = read(page)
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, name = '', ...cells]) => [name.replaceAll('`', ''), cells] as const)
    .filter(([name]) => first.test(name));
  return new Map(rows.map(([name, cells]) => [name, cells]));
}

const wordsIn = (cell = '') => [...cell.matchAll(/`(\w+)`/gu)].map(([, word]) => word);

describe('docs/logs.md', () => {
  it('has each event with its fields', () => {
    const events = new Set(Object.keys(loggedFields));
    const rows = rowsOf('logs.md', /^[a-z_]+$/u);
    const described = [...rows].filter(([, [level]]) => /^(?:info|warn|error)$/u.test(level ?? ''));
    expect(new Set(described.map(([name]) => name))).toEqual(events);
    for (const [name, [, fields]] of described) {
      const declared = loggedFields[name as keyof typeof loggedFields];
      expect(wordsIn(fields), name).toEqual([...declared]);
    }
  });
});

describe('docs/metrics.md', () => {
  it('has each metric with its type and labels', async () => {
    const metrics = createMetrics();
    metrics.watch({
      version: '1',
      actions: () => [
        { provider: 'p', account: 'default', action: 'a', perSecond: 1, isBreakerOpen: false },
      ],
      isAccountsFileRefused: () => false,
      store: () => ({ isUp: true, roundTripMs: 1 }),
      followUps: async () => ({ planned: 1, late: 0 }),
      webhooks: async () => [{ endpoint: 'hook', waiting: 1, dead: 0 }],
      ledger: async () => ({ entries: 1, waiting: [{ group: 'archive', entries: 0 }] }),
    });
    countEverything(metrics);
    const text = await metrics.render();
    const types = new Map(
      [...text.matchAll(/^# TYPE (verification_\w+) (\w+)$/gmu)].map(([, name, type]) => [
        name,
        type,
      ]),
    );
    const rows = rowsOf('metrics.md', /^verification_/u);
    expect(new Set(rows.keys())).toEqual(new Set(types.keys()));
    for (const [name, [type, labels]] of rows) {
      expect(type, name).toBe(types.get(name));
      const [, sample = ''] =
        new RegExp(`^${name}(?:_count)?(?:\\{([^}]*)\\})? `, 'mu').exec(text) ?? [];
      const used = [...sample.matchAll(/(\w+)="/gu)].map(([, label]) => label);
      expect(new Set(wordsIn(labels)), name).toEqual(new Set(used));
    }
  });
});

describe('the labels of metrics', () => {
  it('hold no text that a plugin made up', async () => {
    const metrics = createMetrics();
    const reason = '韦小宝 110105199003072039';
    metrics.cardChecked({ provider: 'p', outcome: 'MATCHED', reason });
    const end = { status: 'PASSED', billing: 'UNKNOWN', reason } as const;
    metrics.verificationEnded({ provider: 'p', channel: 'E_ID', ...end });
    const text = await metrics.render();
    expect(text).not.toContain('110105199003072039');
    expect(text.match(/reason="OTHER"/gu)).toHaveLength(2);
  });
});

function countEverything(metrics: ReturnType<typeof createMetrics>): void {
  const call = { provider: 'p', account: 'default', action: 'a' };
  metrics.operation({ name: 'startVerification', outcome: 'SUCCESS', durationMs: 1 });
  metrics.saved('startVerification', 'replay');
  metrics.refused('startVerification', 'p', 'velocity');
  metrics.requestRefused('busy');
  metrics.upstreamCall({ ...call, outcome: 'ok', durationMs: 1 });
  metrics.chargeableCall({ ...call, tenant: 't', billing: 'CHARGED' });
  metrics.queued('p', 'a', 1);
  metrics.claim('startVerification', 'won');
  const end = { status: 'PASSED', reason: 'VERIFIED', billing: 'UNKNOWN' } as const;
  metrics.verificationEnded({ provider: 'p', channel: 'E_ID', ...end });
  metrics.cardChecked({ provider: 'p', outcome: 'MATCHED', reason: 'MATCHED' });
  metrics.notification('p', 'received');
  metrics.webhookAttempt('hook', 'delivered');
  metrics.published(1);
}
