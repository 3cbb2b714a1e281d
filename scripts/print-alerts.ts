import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { parse, stringify } from 'yaml';

// Writes the alerts as an object for the Prometheus operator. With --check: fails unless it is current.
const source = fileURLToPath(new URL('../deploy/prometheus/alerts.yaml', import.meta.url));
const target = fileURLToPath(
  new URL('../deploy/kubernetes/monitoring/prometheus-rule.yaml', import.meta.url),
);

const { groups } = parse(readFileSync(source, 'utf8')) as { readonly groups: unknown };
const rule = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: 'verification-subgraph' },
  spec: { groups },
};
const text = `# Made from deploy/prometheus/alerts.yaml: npm run alerts:print\n${stringify(rule)}`;
const printed = await format(text, { ...(await resolveConfig(target)), parser: 'yaml' });

if (!process.argv.includes('--check')) writeFileSync(target, printed);
else if (readFileSync(target, 'utf8') !== printed) {
  console.error('prometheus-rule.yaml is not current. Run: npm run alerts:print');
  process.exitCode = 1;
}
