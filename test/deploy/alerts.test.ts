import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

// The alerts of deploy/prometheus, by Prometheus' own tool, and compared with the metrics and the runbook.

const root = new URL('../../', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, root), 'utf8');
const folder = fileURLToPath(new URL('deploy/prometheus/', root));
const promtool = (...args: string[]) =>
  execFileSync('promtool', args, { cwd: folder, encoding: 'utf8' });

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly annotations?: { readonly runbook: string };
}

const { groups } = parse(text('deploy/prometheus/alerts.yaml')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const alerts = rules.flatMap(({ alert, ...rule }) => (alert ? [{ alert, ...rule }] : []));

describe('the alerts', () => {
  it('are accepted by Prometheus', () => {
    expect(promtool('check', 'rules', 'alerts.yaml')).toContain(`${rules.length} rules found`);
  });

  it('fire for the series of their test, and for no others', () => {
    expect(promtool('test', 'rules', 'alerts.test.yaml')).toContain('SUCCESS');
    const { tests } = parse(text('deploy/prometheus/alerts.test.yaml')) as {
      readonly tests: readonly { readonly name: string }[];
    };
    const names = tests.map(({ name }) => name);
    expect(names).toEqual(alerts.flatMap(({ alert }) => [`${alert} fires`, `${alert} is quiet`]));
  });

  it('use metrics and labels that exist', () => {
    const described = new Map(
      [...text('docs/metrics.md').matchAll(/^\| `(\w+)` +\| \w+ +\| ([^|]*)\|/gmu)].map(
        ([, name, labels = '']) => [
          name,
          new Set([...labels.matchAll(/`(\w+)`/gu)].map(([, label]) => label)),
        ],
      ),
    );
    for (const { alert, record, expr } of rules) {
      for (const [, name = '', selector = ''] of expr.matchAll(
        /\b(verification_\w+)(?:\{([^}]*)\})?/gu,
      )) {
        const labels = described.get(name.replace(/_bucket$/u, ''));
        expect(labels, `${alert ?? record}: ${name}`).toBeDefined();
        for (const [, label] of selector.matchAll(/(\w+)=~?"/gu)) {
          expect([...(labels ?? [])], `${alert ?? record}: ${name}`).toContain(label);
        }
      }
    }
  });

  it('have an entry each in the runbook, with four parts', () => {
    const entries = text('docs/runbook.md').split(/^## /mu).slice(1);
    const named = new Map(entries.map((entry) => [entry.split('\n')[0], entry]));
    expect([...named.keys()]).toEqual(alerts.map(({ alert }) => alert));
    for (const { alert, annotations } of alerts) {
      expect(annotations?.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
      const entry = named.get(alert) ?? '';
      for (const part of ['**Means**', '**Look at**', '**Do**', '**Do not**']) {
        expect(entry.toLowerCase(), alert).toContain(part.toLowerCase());
      }
    }
  });
});
