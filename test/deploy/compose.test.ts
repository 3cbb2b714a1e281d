import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSchema } from 'graphql';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { builtInProviders } from '../../providers/index.ts';
import { loadConfig } from '../../src/boot/config.ts';

// deploy/compose.yaml, as far as it can be checked without an engine: what it names exists, the service starts with its
// settings, and Prometheus reads its own.

interface Service {
  readonly image?: string;
  readonly build?: {
    readonly context: string;
    readonly target?: string;
    readonly dockerfile_inline?: string;
  };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>;
}

const folder = fileURLToPath(new URL('../../deploy/', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const compose = parse(read('compose.yaml')) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);
const scratch = mkdtempSync(join(tmpdir(), 'compose-'));
afterAll(() => rmSync(scratch, { recursive: true }));

describe('compose.yaml', () => {
  it('names only services, volumes, files and stages that exist', () => {
    for (const [name, { volumes = [], depends_on = [], build, image }] of services) {
      const needed = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
      for (const other of needed) expect(Object.keys(compose.services), name).toContain(other);
      for (const [source = ''] of volumes.map((each) => each.split(':'))) {
        const isFile = source.startsWith('.');
        const isThere = isFile ? existsSync(join(folder, source)) : source in compose.volumes;
        expect(isThere, `${name}: ${source}`).toBe(true);
      }
      expect(Boolean(build) !== Boolean(image), name).toBe(true);
      if (build) expect(existsSync(join(folder, build.context)), name).toBe(true);
      const stage = build?.target;
      if (stage) expect(readFileSync(join(root, 'Dockerfile'), 'utf8')).toContain(` AS ${stage}\n`);
    }
  });

  it('publishes ports on the loopback of the host only', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports).toHaveLength(3);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/u);
  });

  it('starts the service with settings that it accepts, in the sandbox', () => {
    const given = compose.services['service']?.environment ?? {};
    const key = `k1:${Buffer.alloc(32, 7).toString('base64')}`;
    const env = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, value.replace(/^\$\{\w+:\?\}$/u, key)]),
    );
    expect(loadConfig(env, builtInProviders)).toMatchObject({ sandbox: true, graphiql: true });
    // The archive reads the ledger of the same mode.
    expect(compose.services['archive']?.environment).toMatchObject({ LEDGER_MODE: 'sandbox' });
  });

  it('uses the same base image everywhere', () => {
    const files = [
      readFileSync(join(root, 'Dockerfile'), 'utf8'),
      compose.services['archive']?.build?.dockerfile_inline ?? '',
    ];
    const bases = files.flatMap((text) =>
      [...text.matchAll(/^FROM (\S+)/gmu)].map(([, base]) => base),
    );
    expect(bases).toHaveLength(3);
    expect(new Set(bases).size).toBe(1);
    expect(bases[0]).toMatch(/^node:24-slim@sha256:[\da-f]{64}$/u);
  });

  it('composes the supergraph of its gateway', () => {
    const [program, script = '', url = ''] = compose.services['supergraph']?.command ?? [];
    expect([program, url]).toEqual(['node', 'http://service:4001/graphql']);
    const file = join(scratch, 'supergraph.graphql');
    execFileSync(process.execPath, [join(root, script), url, file]);
    const sdl = readFileSync(file, 'utf8');
    expect(sdl).toContain(`url: "${url}"`);
    expect(buildSchema(sdl, { assumeValidSDL: true }).getType('Verification')).toBeDefined();
  });

  it('has a configuration that Prometheus reads', () => {
    for (const name of ['prometheus.yml', 'alerts.yaml']) {
      cpSync(join(folder, 'prometheus', name), join(scratch, name));
    }
    const told = execFileSync('promtool', ['check', 'config', join(scratch, 'prometheus.yml')]);
    expect(String(told)).toContain('SUCCESS');
  });

  it('provisions Grafana with its data source and its dashboard', () => {
    const { datasources } = parse(read('grafana/provisioning/datasources/prometheus.yaml')) as {
      readonly datasources: readonly { readonly url: string }[];
    };
    const hosts = datasources.map(({ url }) => new URL(url).hostname);
    expect(hosts.every((host) => host in compose.services)).toBe(true);
    const { providers } = parse(read('grafana/provisioning/dashboards/files.yaml')) as {
      readonly providers: readonly { readonly options: { readonly path: string } }[];
    };
    const mounted = compose.services['grafana']?.volumes?.map((each) => each.split(':')[1]) ?? [];
    for (const { options } of providers) {
      expect(mounted.some((path) => path?.startsWith(`${options.path}/`))).toBe(true);
    }
  });
});
