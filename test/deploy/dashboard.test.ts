import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cardInput } from '../support/card-input.ts';
import { freePort } from '../support/free-port.ts';
import { checkMutation, startMutation, verificationQuery } from '../support/operations.ts';
import { passAsPerson } from '../support/pass-as-person.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

// The queries of the dashboard, asked of a Prometheus that scrapes the service.

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const dashboard = JSON.parse(
  readFileSync(new URL('../../deploy/grafana/verification-subgraph.json', import.meta.url), 'utf8'),
) as { readonly panels: readonly Panel[] };
const panels = dashboard.panels.filter(({ type }) => type !== 'row');

/** Without Redis there is no round trip to it. */
const withoutSeries = ['Round trip to Redis'];

let app: TestApp;
let prometheus: ChildProcess;
let folder = '';
let url = '';

beforeAll(async () => {
  app = await startTestApp({ env: { VELOCITY_CARD: '1/3600' } });
  folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const config = join(folder, 'prometheus.yml');
  const target = new URL(app.url).host;
  writeFileSync(
    config,
    `global: { scrape_interval: 1s }
scrape_configs:
  - job_name: verification-subgraph
    static_configs: [{ targets: ['${target}'] }]
`,
  );
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  prometheus = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  await until(() =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
}, 120_000);
afterAll(async () => {
  const exited = new Promise((resolve) => prometheus?.once('exit', resolve));
  prometheus?.kill('SIGKILL');
  await exited;
  await app?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Series {
  readonly metric: Readonly<Record<string, string>>;
}

async function ask(expr: string): Promise<readonly Series[]> {
  // A longer window than Grafana would take, because traffic ends while the queries are asked.
  const query = expr.replaceAll('$__rate_interval', '5m');
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query })}`);
  const answer = (await response.json()) as {
    readonly status: string;
    readonly error?: string;
    readonly data: { readonly result: readonly Series[] };
  };
  expect(answer.status, `${expr}: ${answer.error ?? ''}`).toBe('success');
  return answer.data.result;
}

async function isShown({ targets }: Panel): Promise<boolean> {
  const [target] = targets ?? [];
  const series = await ask(target?.expr ?? '');
  const labels = [...(target?.legendFormat ?? '').matchAll(/\{\{(\w+)\}\}/gu)];
  return series.some(({ metric }) => labels.every(([, label = '']) => metric[label] !== undefined));
}

/** Something of everything that the panels show. */
async function makeTraffic(): Promise<void> {
  const input = { idempotencyKey: 'start', channel: 'E_ID' };
  const extra = 'sandbox:GetEidResult=0';
  const { data } = await app.send(startMutation, { input: { ...input, extra } });
  const { id } = data.startVerification.verification;
  await until(async () => {
    const { data: now } = await app.send(verificationQuery, { id });
    return now.verification.status === 'PENDING' ? null : now;
  });
  const check = (key: string) => app.send(checkMutation, { input: cardInput('王五', key) });
  await check('check');
  await check('check');
  // Refused: one check an hour of a card.
  await app.send(checkMutation, { input: cardInput('王六', 'refused') });
  const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
  const notified = { idempotencyKey: 'face', channel: 'FACE_ALIPAY', subject };
  const { data: face } = await app.send(startMutation, { input: notified });
  const { launch } = face.startVerification.verification;
  await passAsPerson(launch.url);
}

describe('the dashboard', () => {
  it('has no two panels at one place', () => {
    const places = panels.map(({ gridPos: { x, y } }) => `${x} ${y}`);
    expect(new Set(places).size).toBe(places.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });

  it('shows series for every panel, with the labels of its legend', async () => {
    await makeTraffic();
    const open = new Set(panels.filter(({ title }) => !withoutSeries.includes(title)));
    // Prometheus needs two samples of each.
    await until(
      async () => {
        for (const panel of open) if (await isShown(panel)) open.delete(panel);
        return open.size === 0;
      },
      120_000,
      500,
    ).catch(() => {});
    expect([...open].map(({ title }) => title)).toEqual([]);
    for (const { targets } of panels) await ask(targets?.[0]?.expr ?? '');
  }, 180_000);
});
