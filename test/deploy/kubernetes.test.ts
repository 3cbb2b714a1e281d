import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { builtInProviders } from '../../providers/index.ts';
import { loadConfig } from '../../src/boot/config.ts';

// The manifests of deploy/kubernetes, against the schemas of Kubernetes and the settings of this service.

const folder = new URL('../../deploy/kubernetes/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

const kustomization = parse(read('kustomization.yaml')) as {
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly { readonly literals: readonly string[] }[];
};
const monitoring = parse(read('monitoring/kustomization.yaml')) as typeof kustomization;
const manifests: readonly Manifest[] = [
  ...kustomization.resources,
  ...monitoring.resources.map((name) => `monitoring/${name}`),
].flatMap((name) => parseAllDocuments(read(name)).map((document) => document.toJS() as Manifest));
const find = (kind: string): unknown =>
  manifests.find((each) => each.kind === kind && each.metadata.name === 'verification-subgraph');

const models = {
  Deployment,
  HorizontalPodAutoscaler,
  NetworkPolicy,
  PodDisruptionBudget,
  PrometheusRule,
  Service,
  ServiceAccount,
  ServiceMonitor,
} as const;

/** Where the types of each kind are. */
const typesOf = {
  Deployment: 'kubernetes-models/apps/v1/Deployment',
  HorizontalPodAutoscaler: 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler',
  NetworkPolicy: 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy',
  PodDisruptionBudget: 'kubernetes-models/policy/v1/PodDisruptionBudget',
  PrometheusRule: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule',
  Service: 'kubernetes-models/v1/Service',
  ServiceAccount: 'kubernetes-models/v1/ServiceAccount',
  ServiceMonitor: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor',
} as const satisfies Record<keyof typeof models, string>;

/**
 * What the compiler says of the manifests as literals of the types of Kubernetes. It refuses fields that they do not have,
 * which the schemas let pass.
 */
async function compile(all: readonly Manifest[]): Promise<string> {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const scratch = mkdtempSync(join(root, 'node_modules/.manifests-'));
  const lines = all.map((manifest, at) => {
    const { kind } = manifest as { readonly kind: keyof typeof typesOf };
    const type = `import('${typesOf[kind]}').I${kind}`;
    return `export const manifest${at}: ${type} = ${JSON.stringify(manifest)};`;
  });
  const file = join(scratch, 'manifests.ts');
  writeFileSync(file, lines.join('\n'));
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig'];
  const modules = ['--module', 'esnext', '--moduleResolution', 'bundler', '--types', 'node'];
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  try {
    return await new Promise((done) => {
      execFile(process.execPath, [compiler, ...options, ...modules, file], (_failure, told) =>
        done(told),
      );
    });
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Throws for a value of a wrong type and for a missing field. Fields that Kubernetes does not have pass. */
function validate(manifest: Manifest): void {
  const Model = models[manifest.kind as keyof typeof models];
  new Model(manifest as never).validate();
}

const deployment = find('Deployment') as {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly {
          readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
          readonly env: readonly { readonly name: string; readonly value: string }[];
        }[];
      };
    };
  };
};
const pod = deployment.spec.template;
const [container] = pod.spec.containers;

/** Values for the files of the secret. */
const key = `k1:${Buffer.alloc(32, 7).toString('base64')}`;
const files: Readonly<Record<string, string>> = {
  'redis-url': 'rediss://user:password@redis.redis:6379\n',
  'store-hash-keys': `${key}\n`,
  'store-encryption-keys': `${key}\n`,
  'router-secrets': 'a-secret-that-only-the-router-knows\n',
  'tencent-cn-secret-id': 'AKIDexample\n',
  'tencent-cn-secret-key': 'example\n',
  'tencent-cn-merchant-id': '0NSJ240626160443125212\n',
};

describe('the manifests', () => {
  it.each(manifests.map((manifest) => [manifest.kind, manifest.metadata.name, manifest] as const))(
    'are valid: %s %s',
    (_kind, _name, manifest) => {
      expect(() => validate(manifest)).not.toThrow();
    },
  );

  it('would not be, with a value of a wrong type, or without a field that is needed', () => {
    const wrongType = { ...(find('PodDisruptionBudget') as Manifest), spec: { selector: [] } };
    expect(() => validate(wrongType)).toThrow(/selector/u);
    const incomplete = { ...(find('Deployment') as Manifest), spec: { replicas: 1 } };
    expect(() => validate(incomplete)).toThrow(/selector|template/u);
  });

  it('have no fields that Kubernetes does not have', async () => {
    expect(await compile(manifests)).toBe('');
    const text = JSON.stringify(find('Deployment')).replace(
      '"readOnlyRootFilesystem"',
      '"readOnly"',
    );
    expect(await compile([JSON.parse(text) as Manifest])).toMatch(/"readOnly"' does not exist/u);
  });

  it('let the operator find the service and its alerts', () => {
    const monitor = find('ServiceMonitor') as {
      readonly spec: { readonly selector: { readonly matchLabels: object } };
    };
    const service = find('Service') as { readonly metadata: { readonly labels: object } };
    expect(service.metadata.labels).toEqual(monitor.spec.selector.matchLabels);
  });

  it('name every file of the folder', () => {
    const named = ['kustomization.yaml', ...kustomization.resources];
    const there = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
    expect(new Set(there)).toEqual(new Set(named));
  });

  it('select the pods of the deployment', () => {
    for (const kind of ['Deployment', 'PodDisruptionBudget', 'Service']) {
      const { spec } = find(kind) as { spec: { selector: Record<string, object> } };
      const { selector } = spec;
      const labels = selector['matchLabels'] ?? selector;
      expect(pod.metadata.labels, kind).toMatchObject(labels);
    }
  });

  it('give the service settings that it starts with, on the ports that are open', () => {
    const literals = kustomization.configMapGenerator.flatMap(({ literals: own }) => own);
    const env = Object.fromEntries([
      ...literals.map((literal) => literal.split(/=(.*)/u).slice(0, 2)),
      ...(container?.env ?? []).map(({ name, value }) => [name, value]),
    ]) as Record<string, string>;
    const config = loadConfig({ HOST: '0.0.0.0', PORT: '4001', ...env }, builtInProviders, {
      readFile: (path) => files[path.split('/').at(-1) ?? ''] ?? '',
    });
    expect(config.sandbox).toBe(false);
    expect(container?.ports).toEqual([
      { name: 'router', containerPort: config.port },
      { name: 'public', containerPort: config.publicPort },
    ]);
    // In-flight requests have 10 s after the delay.
    const neededSeconds = config.shutdownDelayMs / 1000 + 10;
    expect(pod.spec.terminationGracePeriodSeconds).toBeGreaterThan(neededSeconds);
  });

  it('need the files of the secret that the README makes', () => {
    const used = (container?.env ?? []).map(({ value }) => value.split('/').at(-1));
    const made = [...read('README.md').matchAll(/--from-file=([\w-]+)/gu)].map(([, name]) => name);
    expect(new Set(made)).toEqual(new Set(used));
  });
});
